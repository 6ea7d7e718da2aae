// Logcheck checks what a daemon gave away of its audit log, with the packages of Go's checksum
// database and nothing of ours: the checkpoints, the tree over the lines, tiles, proofs.
//
// Usage: logcheck FOLDER VKEY
//
// The folder has the log files, `checkpoint`, `old.checkpoint`, `tile/`, `proof/*` (C2SP tlog-proof)
// and `consistency/*` (`old N`, `new N`, hashes). It says what it checked, or stops at the first fault
// with exit code 1.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: logcheck FOLDER VKEY")
		os.Exit(2)
	}
	if err := check(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "logcheck:", err)
		os.Exit(1)
	}
}

func check(folder, vkey string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	log := &taken{folder: folder, verifier: verifier}
	for _, step := range []func() error{log.checkpoints, log.lines, log.tiles, log.proofs, log.consistency} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// taken is what was taken away of a log.
type taken struct {
	folder   string
	verifier note.Verifier
	tree     tlog.Tree
	old      tlog.Tree
	leaves   []tlog.Hash
	stored   storage
}

// storage has the hashes of a tree in the order of the package tlog.
type storage []tlog.Hash

func (s storage) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, 0, len(indexes))
	for _, index := range indexes {
		if index < 0 || index >= int64(len(s)) {
			return nil, fmt.Errorf("no hash %d in a tree of this size", index)
		}
		hashes = append(hashes, s[index])
	}
	return hashes, nil
}

func (t *taken) checkpoints() (err error) {
	if t.tree, err = t.open("checkpoint"); err != nil {
		return err
	}
	if t.old, err = t.open("old.checkpoint"); err != nil {
		return err
	}
	fmt.Printf("checkpoints 2\n")
	return nil
}

func (t *taken) open(name string) (tlog.Tree, error) {
	text, err := os.ReadFile(filepath.Join(t.folder, name))
	if err != nil {
		return tlog.Tree{}, err
	}
	tree, err := t.parse(text)
	if err != nil {
		return tlog.Tree{}, fmt.Errorf("%s: %w", name, err)
	}
	return tree, nil
}

// parse opens a signed note and reads it as a checkpoint of this log (C2SP tlog-checkpoint).
func (t *taken) parse(text []byte) (tree tlog.Tree, err error) {
	opened, err := note.Open(text, note.VerifierList(t.verifier))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != t.verifier.Name() {
		return tree, fmt.Errorf("no checkpoint of %s: %q", t.verifier.Name(), opened.Text)
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return tree, err
	}
	tree.Hash, err = tlog.ParseHash(lines[2])
	return tree, err
}

// lines hashes all lines of the files and compares the root with that of the checkpoints.
func (t *taken) lines() error {
	files, err := filepath.Glob(filepath.Join(t.folder, "*.log"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for _, line := range bytes.Split(bytes.TrimSuffix(text, []byte("\r\n")), []byte("\r\n")) {
			if err := t.line(line); err != nil {
				return err
			}
		}
	}
	for _, tree := range []tlog.Tree{t.old, t.tree} {
		if err := t.compare(tree); err != nil {
			return err
		}
	}
	fmt.Printf("lines %d\n", t.tree.N)
	return nil
}

func (t *taken) line(line []byte) error {
	index, leaf := int64(len(t.leaves)), tlog.RecordHash(line)
	hashes, err := tlog.StoredHashesForRecordHash(index, leaf, t.stored)
	t.leaves, t.stored = append(t.leaves, leaf), append(t.stored, hashes...)
	return err
}

func (t *taken) compare(tree tlog.Tree) error {
	if int64(len(t.leaves)) < tree.N {
		return fmt.Errorf("the checkpoint covers %d lines, here are %d", tree.N, len(t.leaves))
	}
	root, err := tlog.TreeHash(tree.N, t.stored)
	if err == nil && root != tree.Hash {
		err = fmt.Errorf("the first %d lines do not come to the root of the checkpoint", tree.N)
	}
	return err
}

// tiles reads every leaf through the tiles, which the package holds against the signed root.
func (t *taken) tiles() error {
	reader := tlog.TileHashReader(t.tree, tileFolder(t.folder))
	for index := range t.tree.N {
		hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
		if err != nil {
			return err
		}
		if hashes[0] != t.leaves[index] {
			return fmt.Errorf("the tiles have another leaf %d", index)
		}
	}
	fmt.Printf("leaves in tiles %d\n", t.tree.N)
	return nil
}

// tileFolder reads tiles as C2SP tlog-tiles names them: without the height, which is always 8.
type tileFolder string

func (tileFolder) Height() int                        { return 8 }
func (tileFolder) SaveTiles(_ []tlog.Tile, _ [][]byte) {}

func (f tileFolder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		bytes, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}

// proofs checks every proof that a line is in the log.
func (t *taken) proofs() error {
	return t.each("proof", func(text string) error {
		head, signed, _ := strings.Cut(text, "\n\n")
		lines := strings.Split(head, "\n")
		if len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
			return fmt.Errorf("no tlog-proof: %q", lines[0])
		}
		index, err := number(lines[1], "index ")
		if err != nil {
			return err
		}
		tree, err := t.parse([]byte(signed))
		if err != nil {
			return err
		}
		if index < 0 || index >= int64(len(t.leaves)) {
			return fmt.Errorf("there is no line %d", index)
		}
		proof, err := hashes(lines[2:])
		if err != nil {
			return err
		}
		return tlog.CheckRecord(proof, tree.N, tree.Hash, index, t.leaves[index])
	})
}

// consistency checks that the log only grew: between the sizes that each file names, whose roots come
// from the lines, and where they are those of the two checkpoints, from these.
func (t *taken) consistency() error {
	return t.each("consistency", func(text string) error {
		lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		if len(lines) < 2 {
			return fmt.Errorf("two sizes were expected: %q", text)
		}
		old, err := number(lines[0], "old ")
		if err != nil {
			return err
		}
		size, err := number(lines[1], "new ")
		if err != nil {
			return err
		}
		proof, err := hashes(lines[2:])
		if err != nil {
			return err
		}
		if old > size || size > int64(len(t.leaves)) {
			return fmt.Errorf("no sizes of this log: %d, %d", old, size)
		}
		older, err := t.root(old)
		if err != nil {
			return err
		}
		newer, err := t.root(size)
		if err != nil {
			return err
		}
		return tlog.CheckTree(proof, size, newer, old, older)
	})
}

func (t *taken) root(size int64) (tlog.Hash, error) {
	for _, tree := range []tlog.Tree{t.old, t.tree} {
		if tree.N == size {
			return tree.Hash, nil
		}
	}
	return tlog.TreeHash(size, t.stored)
}

func (t *taken) each(kind string, check func(text string) error) error {
	files, err := filepath.Glob(filepath.Join(t.folder, kind, "*"))
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil {
			err = check(string(text))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	fmt.Printf("%s %d\n", kind, len(files))
	return nil
}

func number(line, prefix string) (int64, error) {
	digits, found := strings.CutPrefix(line, prefix)
	if !found {
		return 0, fmt.Errorf("%q does not begin with %q", line, prefix)
	}
	return strconv.ParseInt(digits, 10, 64)
}

func hashes(lines []string) (proof []tlog.Hash, err error) {
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		proof = append(proof, hash)
	}
	return proof, nil
}
