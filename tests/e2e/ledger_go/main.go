// An auditor's program that shares nothing with Airlock: Debian's golang.org/x/mod/sumdb/note and .../tlog read a ledger folder, or a proof.
//
//	ledger_go verify DIR VKEY           the checkpoint's signature, every tile, every entry; prints the number of entries
//	ledger_go prove FILE ENTRY VKEY     a C2SP tlog-proof of the entry in file ENTRY
package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8 // tlog-tiles: 256 hashes a tile

type folder struct{ dir string }

func (f folder) Height() int                                  { return height }
func (f folder) SaveTiles(tiles []tlog.Tile, data [][]byte)    {}
func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		data, err := f.read(t)
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// The module's paths carry the tile's height (tile/8/0/000); tlog-tiles fixes it and leaves it out.
func (f folder) read(t tlog.Tile) ([]byte, error) {
	path := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", height))
	path = strings.Replace(path, "data/", "entries/", 1)
	return os.ReadFile(filepath.Join(f.dir, "tile", filepath.FromSlash(path)))
}

func checkpoint(text []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	n, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 3 || lines[0] != verifier.Name() {
		return tlog.Tree{}, errors.New("the checkpoint is of another log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, errors.New("the checkpoint's root is no hash")
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, nil
}

func entries(f folder, size int64) ([][]byte, error) {
	var all [][]byte
	for int64(len(all)) < size {
		width := size - int64(len(all))
		if width > 1<<height {
			width = 1 << height
		}
		data, err := f.read(tlog.Tile{H: height, L: -1, N: int64(len(all)) >> height, W: int(width)})
		if err != nil {
			return nil, err
		}
		for ; width > 0; width-- {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				return nil, fmt.Errorf("the bundle of entry %d is cut off", len(all))
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			all = append(all, data[2:end])
			data = data[end:]
		}
		if len(data) != 0 {
			return nil, fmt.Errorf("the bundle before entry %d holds more than its entries", len(all))
		}
	}
	return all, nil
}

func verify(dir, vkey string) error {
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := checkpoint(text, vkey)
	if err != nil {
		return err
	}
	f := folder{dir}
	all, err := entries(f, tree.N)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(tree, f) // each tile it gives out, it has proved to be in the tree
	for i, entry := range all {
		stored, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(i))})
		if err != nil {
			return err
		}
		if stored[0] != tlog.RecordHash(entry) {
			return fmt.Errorf("entry %d is not what the tree holds", i)
		}
		proof, err := tlog.ProveRecord(tree.N, int64(i), hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(i), stored[0]); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
	}
	fmt.Println(tree.N)
	return nil
}

func prove(file, entryFile, vkey string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(entryFile)
	if err != nil {
		return err
	}
	head, rest, found := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		return errors.New("no tlog-proof")
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	tree, err := checkpoint([]byte(rest), vkey)
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		hash, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(hash) != tlog.HashSize {
			return errors.New("a line of the proof is no hash")
		}
		var h tlog.Hash
		copy(h[:], hash)
		proof = append(proof, h)
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return err
	}
	fmt.Println(index)
	return nil
}

func main() {
	err := errors.New("usage: ledger_go verify DIR VKEY | prove FILE ENTRY VKEY")
	if len(os.Args) == 4 && os.Args[1] == "verify" {
		err = verify(os.Args[2], os.Args[3])
	} else if len(os.Args) == 5 && os.Args[1] == "prove" {
		err = prove(os.Args[2], os.Args[3], os.Args[4])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
