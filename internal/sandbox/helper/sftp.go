package helper

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"github.com/gliderlabs/ssh"
	"github.com/pkg/sftp"
)

// sftp serves the subsystem that sftp and scp use.
func (m *machine) sftp(s ssh.Session) {
	home := m.homeOf(s.User())
	if err := os.MkdirAll(home, 0o755); err != nil {
		return
	}
	files := vmFiles{m.paths, home, func() bool { return m.opts.Full(m.Name) }}
	server := sftp.NewRequestServer(staysOpen{s}, sftp.Handlers{FileGet: files, FilePut: files, FileCmd: files, FileList: files},
		sftp.WithStartDirectory(home))
	if err := server.Serve(); err != nil && !errors.Is(err, io.EOF) {
		m.opts.Log("helper VM %s: sftp: %v", m.Name, err)
	}
	s.Exit(0)
}

// staysOpen keeps the SFTP server from closing the session, which has yet to tell its exit status.
type staysOpen struct{ io.ReadWriter }

func (staysOpen) Close() error { return nil }

// vmFiles is the VM's file system: the VM's folder, and for every path outside it the VM's root.
type vmFiles struct {
	paths Paths
	home  string
	full  func() bool
}

func (v vmFiles) real(name string) string {
	mapped := v.paths.Map(name)
	if within(mapped, v.paths.VM) {
		return mapped
	}
	return path.Join(v.paths.Root(), mapped)
}

// Fileread opens a file for download.
func (v vmFiles) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	return os.Open(v.real(r.Filepath))
}

// Filewrite opens a file for upload.
func (v vmFiles) Filewrite(r *sftp.Request) (io.WriterAt, error) { return v.open(r) }

// OpenFile opens a file for reading and writing.
func (v vmFiles) OpenFile(r *sftp.Request) (sftp.WriterAtReaderAt, error) { return v.open(r) }

func (v vmFiles) open(r *sftp.Request) (*os.File, error) {
	if v.full() {
		return nil, syscall.ENOSPC
	}
	want := r.Pflags()
	flags := os.O_WRONLY
	if want.Read {
		flags = os.O_RDWR
	}
	if want.Creat {
		flags |= os.O_CREATE
	}
	if want.Trunc {
		flags |= os.O_TRUNC
	}
	if want.Excl {
		flags |= os.O_EXCL
	}
	mode := fs.FileMode(0o644)
	if r.AttrFlags().Permissions {
		mode = r.Attributes().FileMode().Perm()
	}
	return os.OpenFile(v.real(r.Filepath), flags, mode)
}

// Filecmd changes the file system.
func (v vmFiles) Filecmd(r *sftp.Request) error {
	name := v.real(r.Filepath)
	switch r.Method {
	case "Setstat":
		return setstat(name, r)
	case "Rename":
		if _, err := os.Lstat(v.real(r.Target)); err == nil {
			return fs.ErrExist // plain SFTP renames never replace
		}
		return os.Rename(name, v.real(r.Target))
	case "Rmdir", "Remove":
		return os.Remove(name)
	case "Mkdir":
		return os.Mkdir(name, 0o755)
	case "Link":
		return os.Link(name, v.real(r.Target))
	case "Symlink":
		return os.Symlink(r.Filepath, v.real(r.Target))
	}
	return sftp.ErrSSHFxOpUnsupported
}

// PosixRename renames and replaces what is there.
func (v vmFiles) PosixRename(r *sftp.Request) error {
	return os.Rename(v.real(r.Filepath), v.real(r.Target))
}

func setstat(name string, r *sftp.Request) error {
	flags, attrs := r.AttrFlags(), r.Attributes()
	if flags.Size {
		if err := os.Truncate(name, int64(attrs.Size)); err != nil {
			return err
		}
	}
	if flags.Permissions {
		if err := os.Chmod(name, attrs.FileMode().Perm()); err != nil {
			return err
		}
	}
	if flags.Acmodtime {
		return os.Chtimes(name, attrs.AccessTime(), attrs.ModTime())
	}
	return nil
}

// Filelist lists a directory or describes a file.
func (v vmFiles) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	name := v.real(r.Filepath)
	if r.Method != "List" {
		info, err := os.Stat(name)
		return infos{info}, err
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	var list infos
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			list = append(list, info)
		}
	}
	return list, nil
}

// Lstat describes a file without following a link.
func (v vmFiles) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	info, err := os.Lstat(v.real(r.Filepath))
	return infos{info}, err
}

// Readlink reads a symbolic link.
func (v vmFiles) Readlink(name string) (string, error) { return os.Readlink(v.real(name)) }

// RealPath gives the absolute form of a path, with links resolved as far as they exist.
func (v vmFiles) RealPath(name string) (string, error) {
	if !path.IsAbs(name) {
		name = path.Join(v.home, name)
	}
	if within(name, v.paths.VM) {
		if real, err := filepath.EvalSymlinks(name); err == nil && within(real, v.paths.VM) {
			return real, nil
		}
	}
	return path.Clean(name), nil
}

type infos []fs.FileInfo

// ListAt copies the entries from offset on.
func (l infos) ListAt(to []fs.FileInfo, offset int64) (int, error) {
	if offset >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(to, l[offset:])
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}
