// Checks an exported ledger with Go's golang.org/x/mod/sumdb/tlog and note, which share nothing with Airlock but the C2SP documents.
//
//	ledgercheck log DIR VKEY                  every entry, through the tiles, up to the signed root; prints "N entries"
//	ledgercheck entry PROOF ENTRY VKEY        a tlog-proof of the bytes in file ENTRY; prints "entry N of M"
//	ledgercheck access PROOF VKEY             a proof of an access record (JSON); prints "record N" and its line
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type checkpoint struct {
	size int64
	root tlog.Hash
}

func openCheckpoint(text []byte, vkey string) (checkpoint, error) {
	var c checkpoint
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return c, err
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return c, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		return c, fmt.Errorf("the checkpoint's origin is not %q", verifier.Name())
	}
	if c.size, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return c, err
	}
	c.root, err = parseHash(lines[2])
	return c, err
}

func parseHash(text string) (tlog.Hash, error) {
	var h tlog.Hash
	raw, err := base64.StdEncoding.DecodeString(text)
	if err == nil && len(raw) != len(h) {
		err = fmt.Errorf("%q is no hash", text)
	}
	copy(h[:], raw)
	return h, err
}

// tiles reads C2SP tile files; tlog's own paths have the height in front.
type tiles struct{ dir string }

func (t tiles) Height() int                     { return height }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) name(tile tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
}
func (t tiles) ReadTiles(wanted []tlog.Tile) (data [][]byte, err error) {
	for _, tile := range wanted {
		bytes, err := os.ReadFile(filepath.Join(t.dir, t.name(tile)))
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}

// entries cuts a bundle: two bytes of length, big endian, and the entry.
func entries(bundle []byte) (all [][]byte, err error) {
	for len(bundle) > 0 {
		if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
			return nil, fmt.Errorf("a bundle ends within an entry")
		}
		n := 2 + int(binary.BigEndian.Uint16(bundle))
		all = append(all, bundle[2:n])
		bundle = bundle[n:]
	}
	return all, nil
}

func checkLog(dir, vkey string) error {
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	c, err := openCheckpoint(text, vkey)
	if err != nil {
		return err
	}
	// The reader takes a tile only when it leads to the root.
	reader := tlog.TileHashReader(tlog.Tree{N: c.size, Hash: c.root}, tiles{dir})
	for first := int64(0); first < c.size; first += 1 << height {
		width := c.size - first
		if width > 1<<height {
			width = 1 << height
		}
		tile := tlog.Tile{H: height, L: 0, N: first >> height, W: int(width)}
		name := strings.Replace(tiles{dir}.name(tile), "tile/0/", "tile/entries/", 1)
		bundle, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		all, err := entries(bundle)
		if err != nil || int64(len(all)) != width {
			return fmt.Errorf("%s: %d entries, wanted %d: %v", name, len(all), width, err)
		}
		indexes := make([]int64, width)
		for i := range indexes {
			indexes[i] = tlog.StoredHashIndex(0, first+int64(i))
		}
		hashes, err := reader.ReadHashes(indexes)
		if err != nil {
			return err
		}
		for i, entry := range all {
			if tlog.RecordHash(entry) != hashes[i] {
				return fmt.Errorf("%s: entry %d is not the one in the tree", name, first+int64(i))
			}
		}
	}
	fmt.Printf("%d entries\n", c.size)
	return nil
}

// checkProof reads a tlog-proof (c2sp.org/tlog-proof) and checks it for entry.
func checkProof(text, vkey string, entry []byte) (index, size int64, err error) {
	head, signed, found := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(lines[1], "index ") {
		return 0, 0, fmt.Errorf("no tlog-proof")
	}
	if index, err = strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64); err != nil {
		return 0, 0, err
	}
	c, err := openCheckpoint([]byte(signed), vkey)
	if err != nil {
		return 0, 0, err
	}
	path, err := parsePath(lines[2:])
	if err != nil {
		return 0, 0, err
	}
	return index, c.size, tlog.CheckRecord(path, c.size, c.root, index, tlog.RecordHash(entry))
}

func parsePath(lines []string) (path tlog.RecordProof, err error) {
	for _, line := range lines {
		h, err := parseHash(line)
		if err != nil {
			return nil, err
		}
		path = append(path, h)
	}
	return path, nil
}

func checkEntry(proofFile, entryFile, vkey string) error {
	proof, err := os.ReadFile(proofFile)
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(entryFile)
	if err != nil {
		return err
	}
	index, size, err := checkProof(string(proof), vkey, entry)
	if err == nil {
		fmt.Printf("entry %d of %d\n", index, size)
	}
	return err
}

func checkAccess(proofFile, vkey string) error {
	var proof struct {
		Schema, Record, Entry, Proof string
		Index, Count                 int64
		Path                         []string
	}
	var batch struct {
		Action, Root string
		First, Count int64
	}
	text, err := os.ReadFile(proofFile)
	if err == nil {
		err = json.Unmarshal(text, &proof)
	}
	if err == nil {
		err = json.Unmarshal([]byte(proof.Entry), &batch)
	}
	if err != nil {
		return err
	}
	if proof.Schema != "airlock/access-proof/1" || batch.Action != "access-batch" || batch.Count != proof.Count {
		return fmt.Errorf("no proof of an access record")
	}
	if _, _, err := checkProof(proof.Proof, vkey, []byte(proof.Entry)); err != nil {
		return err
	}
	root, err := parseHash(batch.Root)
	if err != nil {
		return err
	}
	path, err := parsePath(proof.Path)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(path, proof.Count, root, proof.Index, tlog.RecordHash([]byte(proof.Record))); err != nil {
		return err
	}
	fmt.Printf("record %d\n%s\n", batch.First+proof.Index, proof.Record)
	return nil
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[0] == "log":
		return checkLog(args[1], args[2])
	case len(args) == 4 && args[0] == "entry":
		return checkEntry(args[1], args[2], args[3])
	case len(args) == 3 && args[0] == "access":
		return checkAccess(args[1], args[2])
	}
	return fmt.Errorf("usage: ledgercheck log DIR VKEY | entry PROOF ENTRY VKEY | access PROOF VKEY")
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ledgercheck:", err)
		os.Exit(1)
	}
}
