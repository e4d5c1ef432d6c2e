package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// elsewhere is where a data directory goes that root asked for in a place
// that an ordinary user cannot reach.
const elsewhere = "/var/lib/berkas"

// pgHome is the directory of one private PostgreSQL and who owns it.
//
//	data/     PostgreSQL's own data directory
//	password  of the role berkas, readable by its owner only
type pgHome struct {
	dir string
	as  *syscall.Credential // nil: the user of this process
}

func (h pgHome) data() string     { return filepath.Join(h.dir, "data") }
func (h pgHome) password() string { return filepath.Join(h.dir, "password") }

// openHome settles where the server of dir lives. PostgreSQL refuses to run as
// root, so root hands the directory to another user, who must be able to walk
// there. Under a closed directory, as /root is, that cannot be: then the
// home is made under away and dir, which must exist, keeps a file "location" that names it. The
// name is random, so removing dir always means to begin anew; what is then
// nobody's goes when the next home is made there.
func openHome(dir, away string) (pgHome, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return pgHome{}, err
	}
	if os.Geteuid() != 0 {
		return pgHome{dir: dir}, nil
	}
	home := pgHome{dir: dir, as: serverUser()}
	closed, err := closedTo(home.as, dir)
	if err != nil || closed == "" {
		return home, err
	}
	home.dir, err = awayFrom(dir, away)
	if err != nil {
		return pgHome{}, fmt.Errorf("%s is closed to the user PostgreSQL must run as (chmod a+x it, "+
			"or choose another data directory), and another place was not to be had: %w", closed, err)
	}
	if closed, err := closedTo(home.as, home.dir); err != nil || closed != "" {
		return pgHome{}, errors.Join(err, fmt.Errorf("%s is closed to the user PostgreSQL must run as: "+
			"chmod a+x it, or choose another data directory", closed))
	}
	return home, nil
}

// serverUser is who runs the server when we are root.
func serverUser() *syscall.Credential {
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uerr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gerr := strconv.ParseUint(u.Gid, 10, 32)
		if uerr == nil && gerr == nil && uid != 0 {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return &syscall.Credential{Uid: 65534, Gid: 65534}
}

// closedTo names the first directory on the way to dir, dir included, that the
// user may not enter, or nothing. It reads mode bits and knows no ACLs.
func closedTo(who *syscall.Credential, dir string) (string, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	closed := ""
	for {
		info, err := os.Stat(dir)
		if err != nil {
			return "", err
		}
		enter := fs.FileMode(0o001)
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			switch {
			case st.Uid == who.Uid:
				enter = 0o100
			case st.Gid == who.Gid:
				enter = 0o010
			}
		}
		if info.Mode().Perm()&enter == 0 {
			closed = dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			return closed, nil
		}
		dir = up
	}
}

// writeFile writes a small file whole or not at all, and durably: a password
// that is half on disk locks everybody out.
func writeFile(name, text string, mode fs.FileMode, owner *syscall.Credential) error {
	part := name + ".new"
	f, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil && owner != nil {
		err = f.Chown(int(owner.Uid), int(owner.Gid))
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(part, name)
}
