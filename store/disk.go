package store

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
)

// A disk is nearly full below this, or below a twentieth of it where it is small.
const leastRoom = 256 << 20

// Room says when the disk of a SQLite database is nearly full. PostgreSQL looks after its own.
func Room(url string) error {
	path, ok := strings.CutPrefix(url, "sqlite:")
	if !ok {
		return nil
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &disk); err != nil {
		return fmt.Errorf("look at the disk of the database: %w", err)
	}
	block := uint64(disk.Bsize)
	return room(disk.Bavail*block, disk.Blocks*block)
}

func room(free, size uint64) error {
	if free < min(leastRoom, size/20) {
		return fmt.Errorf("the disk of the database is nearly full: %d MB of %d MB are free", free>>20, size>>20)
	}
	return nil
}
