// A client that knows C2SP and nothing of the log's owner: follows the checkpoint, reads every tile and bundle through
// golang.org/x/mod/sumdb/tlog, and proves each entry's inclusion and the growth since an earlier checkpoint.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type reader struct {
	base string
	kept map[string][]byte
}

func (r reader) Height() int { return 8 }

func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		if data, ok := r.kept[t.Path()]; ok {
			all = append(all, data)
			continue
		}
		// sumdb puts the height into the path, C2SP does not.
		data, err := get(r.base + "/" + strings.Replace(t.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

// SaveTiles is told of tiles that were proved to be the tree's.
func (r reader) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, t := range tiles {
		r.kept[t.Path()] = data[i]
	}
}

func get(url string) ([]byte, error) {
	res, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		return nil, fmt.Errorf("%s: %s", url, res.Status)
	}
	return io.ReadAll(res.Body)
}

func tree(text string, origin string) (tlog.Tree, error) {
	lines := strings.Split(text, "\n")
	if len(lines) < 4 || lines[0] != origin {
		return tlog.Tree{}, fmt.Errorf("checkpoint of another log")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != 32 {
		return tlog.Tree{}, fmt.Errorf("checkpoint without a root")
	}
	var hash tlog.Hash
	copy(hash[:], root)
	return tlog.Tree{N: size, Hash: hash}, nil
}

func follow(base, vkey, earlier string) error {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return err
	}
	open := func(msg []byte) (tlog.Tree, error) {
		n, err := note.Open(msg, note.VerifierList(verifier))
		if err != nil {
			return tlog.Tree{}, err
		}
		return tree(n.Text, verifier.Name())
	}
	msg, err := get(base + "/checkpoint")
	if err != nil {
		return err
	}
	now, err := open(msg)
	if err != nil {
		return err
	}
	hashes := tlog.TileHashReader(now, reader{base, map[string][]byte{}})
	included := 0
	for n := int64(0); n < now.N; n += 256 {
		path := (tlog.Tile{H: 8, L: -1, N: n / 256, W: int(min(256, now.N-n))}).Path()
		bundle, err := get(base + "/" + strings.Replace(path, "tile/8/data/", "tile/entries/", 1))
		if err != nil {
			return err
		}
		for at := n; len(bundle) > 0; at++ {
			length := int(binary.BigEndian.Uint16(bundle))
			leaf := tlog.RecordHash(bundle[2 : 2+length])
			bundle = bundle[2+length:]
			proof, err := tlog.ProveRecord(now.N, at, hashes)
			if err != nil {
				return err
			}
			if err := tlog.CheckRecord(proof, now.N, now.Hash, at, leaf); err != nil {
				return fmt.Errorf("entry %d: %w", at, err)
			}
			included++
		}
	}
	grown := int64(-1)
	if earlier != "" {
		text, err := os.ReadFile(earlier)
		if err != nil {
			return err
		}
		before, err := open(text)
		if err != nil {
			return err
		}
		proof, err := tlog.ProveTree(now.N, before.N, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, now.N, now.Hash, before.N, before.Hash); err != nil {
			return err
		}
		grown = before.N
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"size": now.N, "included": included, "grownFrom": grown, "checkpoint": string(bytes.TrimSpace(msg)) + "\n",
	})
}

func main() {
	earlier := ""
	if len(os.Args) > 3 {
		earlier = os.Args[3]
	}
	if err := follow(os.Args[1], os.Args[2], earlier); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
