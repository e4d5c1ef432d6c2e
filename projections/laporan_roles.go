package projections

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrReportRights says what the database user lacks for letting others read
// laporan, and who can help, with the SQL.
type ErrReportRights struct{ Why string }

func (e *ErrReportRights) Error() string { return e.Why }

// ErrNoReports says that the database has no schema laporan.
var ErrNoReports = errors.New("the database has no views of laporan yet; start the projector (berkas dev, berkas serve) or run berkas rebuild")

// ErrRoleExists says that a login has the name already.
var ErrRoleExists = errors.New("there is a role of that name already")

// MakeReportRoles makes the group roles where they are missing and lets them
// read laporan of this database. Once they are there, whatever makes laporan
// anew lets them read it again. It may be repeated.
func MakeReportRoles(ctx context.Context, databaseURL string) error {
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer closeConn(ctx, conn)
	return makeRoles(ctx, conn)
}

func makeRoles(ctx context.Context, conn *pgx.Conn) error {
	if err := waitForReports(ctx, conn); err != nil {
		return err
	}
	for _, role := range []string{RoleReader, RoleCaseReader} {
		there, err := roleExists(ctx, conn, role)
		if err != nil {
			return err
		}
		if !there {
			_, err = conn.Exec(ctx, "CREATE ROLE "+role+" NOLOGIN")
		}
		switch {
		// Roles are of the whole server: another database's ledger may make them
		// at the same moment.
		case err == nil, hasCode(err, "42710"), hasCode(err, "23505"): // duplicate_object, unique_violation
		case hasCode(err, "42501"): // insufficient_privilege
			return &ErrReportRights{fmt.Sprintf("the database user %s may not create roles; let a superuser or a role with CREATEROLE type: "+
				"CREATE ROLE %s NOLOGIN; CREATE ROLE %s NOLOGIN; and repeat this", conn.Config().User, RoleReader, RoleCaseReader)}
		default:
			return fmt.Errorf("create role %s: %w", role, err)
		}
	}
	if _, err := conn.Exec(ctx, grants(RoleReader)+grants(RoleCaseReader)); err != nil && !hasCode(err, "42501") {
		return fmt.Errorf("let the roles read laporan: %w", err)
	}
	return checkGrants(ctx, conn)
}

// waitForReports looks for laporan. It tries for a moment: a projector that has
// just started is about to make it.
func waitForReports(ctx context.Context, conn *pgx.Conn) error {
	for end := time.Now().Add(2 * time.Second); ; {
		if stands, err := reportsStand(ctx, conn); err != nil || stands {
			return err
		}
		if time.Now().After(end) {
			return ErrNoReports
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// checkGrants looks whether the roles may read: a GRANT by somebody who does not
// own the views is a warning that nobody sees.
func checkGrants(ctx context.Context, conn *pgx.Conn) error {
	for _, role := range []string{RoleReader, RoleCaseReader} {
		for _, r := range reports() {
			if r.records && role == RoleReader {
				continue
			}
			var may bool
			if err := conn.QueryRow(ctx, `SELECT has_schema_privilege($1, 'laporan', 'USAGE') AND has_table_privilege($1, 'laporan.'||$2, 'SELECT')`, role, r.name).
				Scan(&may); err != nil {
				return fmt.Errorf("look at the rights of %s: %w", role, err)
			}
			if !may {
				return &ErrReportRights{fmt.Sprintf("the database user %s does not own the views of laporan and cannot let others read them; "+
					"run this as the user that the projector connects as, or as a superuser", conn.Config().User)}
			}
		}
	}
	return nil
}

func hasCode(err error, code string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == code
}

// ReportLogin is a login for a BI tool.
type ReportLogin struct {
	Name string
	// Cases: it also reads rows of single cases, which are pseudonymous and not
	// public.
	Cases bool
	// Timeout ends its statements; 0 means a minute. So do transactions in which
	// it asks nothing for five minutes: they hold replaced tables.
	Timeout time.Duration
	// Connections it may have at once; 0 means 10.
	Connections int
}

var loginName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// Validate reports the first thing wrong with it.
func (l ReportLogin) Validate() error {
	switch {
	case !loginName.MatchString(l.Name), strings.HasPrefix(l.Name, "pg_"), l.Name == RoleReader, l.Name == RoleCaseReader:
		return fmt.Errorf("the name of a login is a program's or a desk's, of a-z, 0-9 and _, at most 63 characters, not %q", l.Name)
	case l.Timeout < 0 || l.Connections < 0:
		return errors.New("a login's timeout and connections are not negative")
	}
	return nil
}

// CreateReportLogin makes a login that reads laporan and nothing else, and
// returns the URL with its password, which is kept nowhere. ErrRoleExists when
// the name is taken: nobody's password is changed.
func CreateReportLogin(ctx context.Context, databaseURL string, l ReportLogin) (string, error) {
	if err := l.Validate(); err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return "", fmt.Errorf("connect: %w", err)
	}
	defer closeConn(ctx, conn)
	if err := makeRoles(ctx, conn); err != nil {
		return "", err
	}
	password := rand.Text()
	if err := createLogin(ctx, conn, l, password); err != nil {
		return "", err
	}
	return loginURL(databaseURL, conn.Config(), l.Name, password)
}

func createLogin(ctx context.Context, conn *pgx.Conn, l ReportLogin, password string) error {
	secret, err := scramSecret(password)
	if err != nil {
		return err
	}
	role, timeout, connections := RoleReader, l.Timeout, l.Connections
	if l.Cases {
		role = RoleCaseReader
	}
	if timeout == 0 {
		timeout = time.Minute
	}
	if connections == 0 {
		connections = 10
	}
	var may bool
	if err := conn.QueryRow(ctx, "SELECT has_database_privilege($1, current_database(), 'CONNECT')", role).Scan(&may); err != nil {
		return fmt.Errorf("look at the rights of %s: %w", role, err)
	}
	if !may {
		return &ErrReportRights{fmt.Sprintf("%s may not connect to the database; its owner types: GRANT CONNECT ON DATABASE %s TO %s, %s;",
			role, pgx.Identifier{conn.Config().Database}.Sanitize(), RoleReader, RoleCaseReader)}
	}
	// One simple query is one transaction. Rights hold it to reading; the setting
	// gives a clearer error, and one that a careless tool cannot miss.
	_, err = conn.Exec(ctx, fmt.Sprintf(`
		CREATE ROLE %[1]s LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD %[2]s CONNECTION LIMIT %[3]d IN ROLE %[4]s;
		COMMENT ON ROLE %[1]s IS 'Login of Berkas for a BI tool';
		ALTER ROLE %[1]s SET default_transaction_read_only = on;
		ALTER ROLE %[1]s SET statement_timeout = %[5]d;
		ALTER ROLE %[1]s SET idle_in_transaction_session_timeout = '5min';
		ALTER ROLE %[1]s SET search_path = laporan;
		ALTER ROLE %[1]s SET timezone = 'Asia/Jakarta';`,
		l.Name, quote(secret), connections, role, timeout.Milliseconds()))
	switch {
	case hasCode(err, "42710"):
		return fmt.Errorf("%s: %w; DROP ROLE %[1]s takes it away", l.Name, ErrRoleExists)
	case hasCode(err, "42501"):
		return &ErrReportRights{fmt.Sprintf("the database user %s may not create a login in %s (%v); run this as a superuser or a role that has CREATEROLE and may grant %[2]s",
			conn.Config().User, role, err)}
	case err != nil:
		return fmt.Errorf("create login %s: %w", l.Name, err)
	}
	return nil
}

// scramSecret is what PostgreSQL keeps of a password (RFC 5802, 7677): sent
// instead of it, the password stands in no log of the server.
func scramSecret(password string) (string, error) {
	const iterations = 4096
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	sign := func(text string) []byte {
		mac := hmac.New(sha256.New, salted)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	stored := sha256.Sum256(sign("Client Key"))
	base := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, base(salt), base(stored[:]), base(sign("Server Key"))), nil
}

// loginURL is the URL of the same database for somebody else. Of the options
// only those of TLS are kept.
func loginURL(databaseURL string, c *pgx.ConnConfig, name, password string) (string, error) {
	out := url.URL{Scheme: "postgres", User: url.UserPassword(name, password), Path: "/" + c.Database}
	kept := url.Values{}
	if u, err := url.Parse(databaseURL); err == nil && strings.HasPrefix(u.Scheme, "postgres") {
		for _, option := range []string{"sslmode", "sslrootcert"} {
			if v := u.Query().Get(option); v != "" {
				kept.Set(option, v)
			}
		}
	}
	port := strconv.Itoa(int(c.Port))
	if strings.HasPrefix(c.Host, "/") { // a Unix socket
		kept.Set("host", c.Host)
		kept.Set("port", port)
	} else {
		out.Host = net.JoinHostPort(c.Host, port)
	}
	out.RawQuery = kept.Encode()
	return out.String(), nil
}
