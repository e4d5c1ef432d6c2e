# berkas as one static program in an empty image.
FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o /out/usr/local/bin/berkas ./cmd/berkas
# New volumes get their owner from these.
RUN install -d -m 0700 /out/var/lib/berkas /out/var/lib/nats && \
    install -d -m 0755 /out/etc/nats && \
    install -d -m 1777 /out/tmp

FROM scratch
COPY --from=build --chown=65532:65532 /out/ /
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
USER 65532:65532
ENV BERKAS_DATA=/var/lib/berkas
VOLUME /var/lib/berkas
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/berkas"]
CMD ["--help"]
