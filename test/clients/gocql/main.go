// The cases of the suite with gocql: `suite SETTINGS CASES`, both JSON, the second in a file. Prints a line of JSON for each step: what came of it.
package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gocql/gocql"
	"github.com/pierrec/lz4/v4"
)

type settings struct {
	Host        string
	Port        int
	Version     int
	Compression string
	Keyspace    string
	Authority   string
	User        string
	Password    string
}

type asked struct {
	Cql     string
	Values  []any
	Prepare bool
}

type step struct {
	asked
	Do          string
	Select      string
	Insert      string
	Kind        string
	Statements  []asked
	Count       int
	Sessions    []string
	Name        string
	Keyspace    string
	User        *string
	Password    *string
	Table       string
	Page        int
	Consistency string
	Trace       bool
	Payload     map[string]string
	Timestamp   int64
	On          string
}

type told map[string]any

var (
	given    settings
	sessions = map[string]*gocql.Session{}
)

// lz4Compressor is the body of version 3 and 4: its length, then a block.
type lz4Compressor struct{}

func (lz4Compressor) Name() string { return "lz4" }

func (lz4Compressor) Encode(data []byte) ([]byte, error) {
	out := make([]byte, 4+lz4.CompressBlockBound(len(data)))
	var compressor lz4.Compressor
	n, err := compressor.CompressBlock(data, out[4:])
	binary.BigEndian.PutUint32(out, uint32(len(data)))
	return out[:4+n], err
}

func (lz4Compressor) Decode(data []byte) ([]byte, error) {
	out := make([]byte, binary.BigEndian.Uint32(data))
	if len(out) == 0 {
		return nil, nil
	}
	n, err := lz4.UncompressBlock(data[4:], out)
	return out[:n], err
}

func connect(of step) (*gocql.Session, error) {
	cluster := gocql.NewCluster(given.Host)
	cluster.Port = given.Port
	cluster.ProtoVersion = given.Version
	cluster.Timeout = time.Minute
	cluster.ConnectTimeout = 30 * time.Second
	cluster.NumConns = 1
	cluster.Keyspace = of.Keyspace
	cluster.Consistency = gocql.One
	cluster.ReconnectionPolicy = &gocql.ConstantReconnectionPolicy{MaxRetries: 1, Interval: 10 * time.Millisecond}
	user, password := given.User, given.Password
	if of.User != nil {
		user, password = *of.User, *of.Password
	}
	if user != "" {
		cluster.Authenticator = gocql.PasswordAuthenticator{Username: user, Password: password}
	}
	switch given.Compression {
	case "snappy":
		cluster.Compressor = gocql.SnappyCompressor{}
	case "lz4":
		cluster.Compressor = lz4Compressor{}
	}
	if given.Authority != "" {
		cluster.SslOpts = &gocql.SslOptions{CaPath: given.Authority, EnableHostVerification: true}
	}
	return cluster.CreateSession()
}

func valueOf(value any, i int) any {
	switch value := value.(type) {
	case float64:
		return int(value)
	case string:
		if value == "$i" {
			return i
		}
		return strings.ReplaceAll(value, "$i", strconv.Itoa(i))
	case map[string]any:
		return blob(int(value["blob"].(float64)))
	}
	return value
}

// blob is bytes that do not compress, the same in each language, in blocks that repeat.
func blob(size int) []byte {
	bytes := make([]byte, size)
	x := uint64(1)
	for i := range bytes {
		if i < 65537 {
			x = (x*1103515245 + 12345) % (1 << 31)
			bytes[i] = byte(x >> 16)
		} else {
			bytes[i] = bytes[i-65537]
		}
	}
	return bytes
}

func bound(of asked, i int) []any {
	values := make([]any, len(of.Values))
	for at, value := range of.Values {
		values[at] = valueOf(value, i)
	}
	return values
}

func text(value any) string {
	if bytes, ok := value.([]byte); ok && len(bytes) > 64 {
		sum := sha256.Sum256(bytes)
		return fmt.Sprintf("%d bytes %x", len(bytes), sum[:8])
	}
	if pointer := reflect.ValueOf(value); pointer.Kind() == reflect.Pointer {
		if pointer.IsNil() {
			return "nil"
		}
		if decimal, ok := value.(fmt.Stringer); ok {
			return decimal.String()
		}
		return text(pointer.Elem().Interface())
	}
	return fmt.Sprintf("%v", value)
}

// row has places for the values of a row: pointers to pointers where a value may be absent.
func row(iter *gocql.Iter) ([]string, []any, error) {
	data, err := iter.RowData()
	if err != nil {
		return nil, nil, err
	}
	for at, value := range data.Values {
		switch reflect.TypeOf(value).Elem().Kind() {
		case reflect.Map, reflect.Slice, reflect.Pointer, reflect.Interface:
		default:
			data.Values[at] = reflect.New(reflect.TypeOf(value)).Interface()
		}
	}
	return data.Columns, data.Values, nil
}

func values(places []any) []any {
	found := make([]any, len(places))
	for at, place := range places {
		found[at] = reflect.ValueOf(place).Elem().Interface()
	}
	return found
}

func scan(iter *gocql.Iter) ([][]any, []string, error) {
	rows, texts := [][]any{}, []string{}
	for iter.NumRows() > 0 {
		names, places, err := row(iter)
		if err != nil {
			return nil, nil, err
		}
		if !iter.Scan(places...) {
			break
		}
		found := values(places)
		columns := make([]string, len(found))
		for at, value := range found {
			columns[at] = names[at] + "=" + text(value)
		}
		rows = append(rows, found)
		texts = append(texts, strings.Join(columns, " "))
	}
	return rows, texts, nil
}

type tracer struct{ id []byte }

func (t *tracer) Trace(id []byte) { t.id = id }

// traced waits for the trace's events, which are written when the request is done.
func traced(session *gocql.Session, id []byte) bool {
	for deadline := time.Now().Add(20 * time.Second); len(id) > 0 && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		var count int
		if session.Query("SELECT count(*) FROM system_traces.events WHERE session_id = ?", id).Scan(&count) == nil && count > 0 {
			return true
		}
	}
	return false
}

func payload(of step) map[string][]byte {
	if of.Payload == nil {
		return nil
	}
	bytes := map[string][]byte{}
	for key, value := range of.Payload {
		bytes[key] = []byte(value)
	}
	return bytes
}

func finish(result told, iter *gocql.Iter) error {
	result["warnings"] = iter.Warnings()
	mirrored := map[string]string{}
	for key, value := range iter.GetCustomPayload() {
		mirrored[key] = hex.EncodeToString(value)
	}
	result["payload"] = mirrored
	return iter.Close()
}

func execute(session *gocql.Session, of step, cql string, args []any) (told, error) {
	result := told{}
	all, pages := []string{}, []int{}
	var state []byte
	for {
		query := session.Query(cql, args...)
		if of.Consistency != "" {
			query = query.Consistency(gocql.ParseConsistency(of.Consistency))
		}
		if of.Timestamp != 0 {
			query = query.WithTimestamp(of.Timestamp)
		}
		if of.Payload != nil {
			query = query.CustomPayload(payload(of))
		}
		trace := &tracer{}
		if of.Trace {
			query = query.Trace(trace)
		}
		if of.Page > 0 {
			query = query.PageSize(of.Page).PageState(state)
		}
		iter := query.Iter()
		state = iter.PageState()
		_, texts, err := scan(iter)
		if err := errors.Join(finish(result, iter), err); err != nil {
			return nil, err
		}
		all = append(all, texts...)
		pages = append(pages, len(texts))
		if of.Trace {
			result["traced"] = traced(session, trace.id)
		}
		if of.Page == 0 || len(state) == 0 {
			result["rows"], result["pages"] = all, pages
			return result, nil
		}
	}
}

func batch(session *gocql.Session, of step) (told, error) {
	kind := map[string]gocql.BatchType{"logged": gocql.LoggedBatch, "unlogged": gocql.UnloggedBatch, "counter": gocql.CounterBatch}[of.Kind]
	whole := session.NewBatch(kind)
	whole.CustomPayload = payload(of)
	trace := &tracer{}
	if of.Trace {
		whole.Trace(trace)
	}
	if of.Timestamp != 0 {
		whole.WithTimestamp(of.Timestamp)
	}
	for _, one := range of.Statements {
		whole.Query(one.Cql, bound(one, 0)...)
	}
	if err := session.ExecuteBatch(whole); err != nil {
		return nil, err
	}
	result := told{}
	if of.Trace {
		result["traced"] = traced(session, trace.id)
	}
	return result, nil
}

func copyRow(session *gocql.Session, of step) (told, error) {
	iter := session.Query(of.Select).Iter()
	rows, _, err := scan(iter)
	if err := errors.Join(iter.Close(), err); err != nil {
		return nil, err
	}
	return execute(session, of, of.Insert, rows[0])
}

func many(of step) (told, error) {
	texts := make([]string, of.Count)
	failures := make([]error, of.Count)
	var group sync.WaitGroup
	for i := range of.Count {
		group.Go(func() {
			iter := sessions[of.Sessions[i%len(of.Sessions)]].Query(of.Cql, bound(of.asked, i)...).Iter()
			_, found, err := scan(iter)
			texts[i] = strings.Join(found, " ")
			failures[i] = errors.Join(iter.Close(), err)
		})
	}
	group.Wait()
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(texts, "\n")))
	return told{"rows": texts[:1], "digest": hex.EncodeToString(sum[:])}, nil
}

func event(session *gocql.Session, of step) (told, error) {
	// From here on it is known; what an event says is read anew.
	if _, err := session.KeyspaceMetadata(given.Keyspace); err != nil {
		return nil, err
	}
	other, err := connect(step{Keyspace: given.Keyspace})
	if err != nil {
		return nil, err
	}
	defer other.Close()
	if err := other.Query(of.Cql).Exec(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		metadata, err := session.KeyspaceMetadata(given.Keyspace)
		if err != nil {
			return nil, err
		}
		if metadata.Tables[of.Table] != nil {
			return told{}, nil
		}
	}
	return nil, errors.New("no event")
}

func act(of step) (told, error) {
	name := of.On
	if name == "" {
		name = "main"
	}
	session := sessions[name]
	switch of.Do {
	case "run":
		return execute(session, of, of.Cql, bound(of.asked, 0))
	case "copy":
		return copyRow(session, of)
	case "batch":
		return batch(session, of)
	case "many":
		return many(of)
	case "event":
		return event(session, of)
	case "open":
		opened, err := connect(of)
		if err == nil {
			sessions[of.Name] = opened
		}
		return told{}, err
	default:
		if closed := sessions[of.Name]; closed != nil {
			closed.Close()
			delete(sessions, of.Name)
		}
		return told{}, nil
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// tell acts, and takes what the library panics with for an error.
func tell(of step) (result told) {
	defer func() {
		if panicked := recover(); panicked != nil {
			result = told{"error": fmt.Sprintf("panic: %v", panicked)}
		}
	}()
	result, err := act(of)
	if err != nil {
		return told{"error": fmt.Sprintf("%T: %v", err, err)}
	}
	return result
}

func main() {
	log.SetOutput(io.Discard)
	must(json.Unmarshal([]byte(os.Args[1]), &given))
	bytes, err := os.ReadFile(os.Args[2])
	must(err)
	var cases []struct {
		Name  string
		Steps []step
	}
	must(json.Unmarshal(bytes, &cases))
	sessions["main"], err = connect(step{Keyspace: given.Keyspace})
	must(err)
	out := json.NewEncoder(os.Stdout)
	for _, each := range cases {
		for number, of := range each.Steps {
			result := tell(of)
			result["case"], result["step"] = each.Name, number
			must(out.Encode(result))
		}
	}
	for _, session := range sessions {
		session.Close()
	}
}
