package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Cluster is a JetStream cluster inside this process, every node with its own
// directory and with an fsync before every acknowledgement. It serves tests
// and measurements: the routes between the nodes ask for no credentials.
type Cluster struct {
	cfg   NATSConfig
	ports []clusterPorts
	nodes []*NATS // nil where the node is stopped
}

type clusterPorts struct{ client, route int }

// StartCluster starts n nodes under cfg.Dir and returns when they have a
// leader that sees all of them. cfg.Port must be 0 and SyncAlways is implied.
func StartCluster(ctx context.Context, n int, cfg NATSConfig) (*Cluster, error) {
	if n < 3 || cfg.Port != 0 {
		return nil, errors.New("NATS cluster: at least three nodes, and on ports of its own choice")
	}
	cfg.SyncAlways = true
	for attempt := 1; ; attempt++ {
		c, err := startCluster(ctx, n, cfg)
		// Between choosing the ports and taking them somebody else may take one.
		if err != nil && attempt < 5 && strings.Contains(err.Error(), "address already in use") {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("NATS cluster: %w", err)
		}
		return c, nil
	}
}

func startCluster(ctx context.Context, n int, cfg NATSConfig) (*Cluster, error) {
	ports, err := freePorts(2 * n)
	if err != nil {
		return nil, err
	}
	c := &Cluster{cfg: cfg, nodes: make([]*NATS, n)}
	for i := range n {
		c.ports = append(c.ports, clusterPorts{client: ports[2*i], route: ports[2*i+1]})
	}
	for i := range n {
		if err := c.StartNode(i); err != nil {
			return nil, errors.Join(err, c.Stop())
		}
	}
	if err := c.WaitReady(ctx); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// ClientURL names all nodes, as nats.Connect takes them.
func (c *Cluster) ClientURL() string {
	var list []string
	for _, p := range c.ports {
		u := url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", p.client)}
		list = append(list, u.String())
	}
	return strings.Join(list, ",")
}

// Node is the i-th server, nil while it is stopped.
func (c *Cluster) Node(i int) *NATS { return c.nodes[i] }

// StopNode stops the i-th server; its files stay.
func (c *Cluster) StopNode(i int) error {
	n := c.nodes[i]
	if n == nil {
		return nil
	}
	c.nodes[i] = nil
	return n.Stop()
}

// StartNode starts the i-th server where it was. It may not be ready yet when
// this returns: see WaitReady.
func (c *Cluster) StartNode(i int) error {
	if c.nodes[i] != nil {
		return fmt.Errorf("node %d runs already", i)
	}
	cfg := c.cfg
	cfg.Dir = filepath.Join(cfg.Dir, fmt.Sprintf("node-%d", i))
	cfg.Port = c.ports[i].client
	n, err := startNATS(cfg, func(o *server.Options) {
		o.ServerName = fmt.Sprintf("node-%d", i)
		o.Cluster = server.ClusterOpts{Name: "berkas", Host: "127.0.0.1", Port: c.ports[i].route}
		// The servers take the number of routes for the size of the cluster.
		for _, p := range c.ports {
			peer := fmt.Sprintf("127.0.0.1:%d", p.route)
			o.Routes = append(o.Routes, &url.URL{Scheme: "nats-route", Host: peer})
		}
	})
	if err != nil {
		return fmt.Errorf("node %d: %w", i, err)
	}
	c.nodes[i] = n
	return nil
}

// WaitReady waits until the running nodes follow one leader, in each stream
// too, and have read what they missed. The servers give no signal of that, so
// it looks again and again. After a leader was stopped it takes 4 to 9 seconds:
// the servers' election timeout, which cannot be set.
func (c *Cluster) WaitReady(ctx context.Context) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !c.ready() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the nodes to agree: %w", context.Cause(ctx))
		case <-tick.C:
		}
	}
	return nil
}

func (c *Cluster) ready() bool {
	running, peers := 0, 0
	for _, n := range c.nodes {
		if n == nil {
			continue
		}
		running++
		if !n.follows() {
			return false
		}
		peers += len(n.srv.JetStreamClusterPeers()) // none unless it leads
	}
	return peers >= running
}

// follows tells whether the node is caught up and knows a leader of the
// cluster and of each of its streams. The server calls itself healthy as soon
// as it is caught up with what it knew before it was stopped.
func (n *NATS) follows() bool {
	info, err := n.srv.Jsz(&server.JSzOptions{Streams: true})
	if err != nil || info.Meta == nil || info.Meta.Leader == "" {
		return false
	}
	for _, account := range info.AccountDetails {
		for _, stream := range account.Streams {
			if stream.Cluster == nil || stream.Cluster.Leader == "" {
				return false
			}
		}
	}
	return n.srv.Healthz(nil).Error == ""
}

// Stop stops all nodes and waits.
func (c *Cluster) Stop() error {
	var errs []error
	for i := range c.nodes {
		errs = append(errs, c.StopNode(i))
	}
	return errors.Join(errs...)
}

// freePorts holds all ports open until it has them, so that they differ.
func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
