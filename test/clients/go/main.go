// What go-redis does, on the port given: `functional PORT RESP`. Prints `ok NAME` or `failed NAME: WHY` for each case.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	ctx  = context.Background()
	port = os.Args[1]
	resp = os.Args[2]
)

func options() *redis.Options {
	protocol, err := strconv.Atoi(resp)
	must(err)
	return &redis.Options{Addr: "127.0.0.1:" + port, Protocol: protocol, ReadTimeout: 10 * time.Second}
}

func connect() *redis.Client { return redis.NewClient(options()) }

// failure is what a case panics with.
type failure struct{ text string }

func fail(format string, args ...any) {
	_, _, line, _ := runtime.Caller(2)
	panic(failure{fmt.Sprintf(format, args...) + fmt.Sprintf(" (main.go:%d)", line)})
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func same(actual, expected any) {
	if !reflect.DeepEqual(actual, expected) {
		fail("%#v instead of %#v", actual, expected)
	}
}

// get is the value of a command that must succeed.
func get[T any](value T, err error) T {
	if err != nil {
		fail("%v", err)
	}
	return value
}

func fails(err error, text string) {
	if err == nil || !strings.Contains(err.Error(), text) {
		fail("%v does not say %q", err, text)
	}
}

func eventually(holds func() bool) {
	for deadline := time.Now().Add(5 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			fail("it did not come true")
		}
	}
}

func stringsCase(r *redis.Client) {
	same(get(r.Set(ctx, "k", "v", time.Minute).Result()), "OK")
	same(get(r.Get(ctx, "k").Result()), "v")
	same(r.Get(ctx, "nothing").Err(), redis.Nil)
	same(get(r.MSet(ctx, "a", 1, "b", 2).Result()), "OK")
	same(get(r.MGet(ctx, "a", "nothing", "b").Result()), []any{"1", nil, "2"})
	same(get(r.IncrBy(ctx, "a", 41).Result()), int64(42))
	same(get(r.TTL(ctx, "k").Result()) > 0, true)
	same(get(r.GetRange(ctx, "k", 0, 0).Result()), "v")
	same(get(r.Exists(ctx, "k", "a", "nothing").Result()), int64(2))
}

func collections(r *redis.Client) {
	same(get(r.HSet(ctx, "h", "a", 1, "b", 2).Result()), int64(2))
	same(get(r.HGetAll(ctx, "h").Result()), map[string]string{"a": "1", "b": "2"})
	same(get(r.HGetAll(ctx, "nothing").Result()), map[string]string{})
	same(get(r.RPush(ctx, "l", "a", "b", "c").Result()), int64(3))
	same(get(r.LRange(ctx, "l", 0, -1).Result()), []string{"a", "b", "c"})
	same(get(r.SAdd(ctx, "s", "a", "b").Result()), int64(2))
	members := get(r.SMembers(ctx, "s").Result())
	sort.Strings(members)
	same(members, []string{"a", "b"})
	same(get(r.ZAdd(ctx, "z", redis.Z{Score: 1.5, Member: "a"}, redis.Z{Score: 2, Member: "b"}).Result()), int64(2))
	same(get(r.ZRangeWithScores(ctx, "z", 0, -1).Result()), []redis.Z{{Score: 1.5, Member: "a"}, {Score: 2, Member: "b"}})
	same(get(r.XAdd(ctx, &redis.XAddArgs{Stream: "x", ID: "1-1", Values: []string{"f", "v"}}).Result()), "1-1")
	same(len(get(r.XRange(ctx, "x", "-", "+").Result())), 1)
	same(get(r.SetBit(ctx, "bits", 7, 1).Result()), int64(0))
	same(get(r.BitCount(ctx, "bits", nil).Result()), int64(1))
	same(get(r.PFAdd(ctx, "p", "a").Result()), int64(1))
}

func pipelines(r *redis.Client) {
	pipe := r.Pipeline()
	gets := make([]*redis.StringCmd, 1000)
	for i := range gets {
		key := "k" + strconv.Itoa(i)
		pipe.Set(ctx, key, i, 0)
		gets[i] = pipe.Get(ctx, key)
	}
	get(pipe.Exec(ctx))
	for i, cmd := range gets {
		same(cmd.Val(), strconv.Itoa(i))
	}
	pipe = r.Pipeline()
	pipe.Set(ctx, "s", "v", 0)
	wrong := pipe.LPush(ctx, "s", "x")
	last := pipe.Get(ctx, "s")
	_, err := pipe.Exec(ctx)
	fails(err, "WRONGTYPE")
	fails(wrong.Err(), "WRONGTYPE")
	same(last.Val(), "v")
}

func transactions(r *redis.Client) {
	cmds := get(r.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Set(ctx, "k", 1, 0)
		pipe.Incr(ctx, "k")
		return nil
	}))
	same(cmds[1].(*redis.IntCmd).Val(), int64(2))
	err := r.Watch(ctx, func(tx *redis.Tx) error {
		must(r.Set(ctx, "k", 10, 0).Err())
		_, err := tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.Set(ctx, "k", 3, 0)
			return nil
		})
		return err
	}, "k")
	same(err, redis.TxFailedErr)
	same(get(r.Get(ctx, "k").Result()), "10")
	_, err = r.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Set(ctx, "s", "x", 0)
		pipe.Incr(ctx, "s")
		return nil
	})
	fails(err, "not an integer")
}

func blocking(r *redis.Client) {
	waits := make(chan []string)
	go func() {
		value, _ := connect().BLPop(ctx, 5*time.Second, "q").Result()
		waits <- value
	}()
	other := connect()
	eventually(func() bool { return strings.Contains(other.ClientList(ctx).Val(), "cmd=blpop") })
	same(get(other.RPush(ctx, "q", "x").Result()), int64(1))
	same(<-waits, []string{"q", "x"})
	same(r.BLPop(ctx, time.Second, "nothing").Err(), redis.Nil)
	same(r.XRead(ctx, &redis.XReadArgs{Streams: []string{"x", "$"}, Block: 10 * time.Millisecond}).Err(), redis.Nil)
}

func publishAndSubscribe(r *redis.Client) {
	channel := r.Subscribe(ctx, "c")
	defer channel.Close()
	get(channel.Receive(ctx))
	must(channel.PSubscribe(ctx, "p*"))
	get(channel.Receive(ctx))
	same(get(connect().Publish(ctx, "c", "one").Result()), int64(1))
	same(get(channel.ReceiveMessage(ctx)).Payload, "one")
	same(get(connect().Publish(ctx, "pp", "two").Result()), int64(1))
	same(get(channel.ReceiveMessage(ctx)).Pattern, "p*")
	must(channel.Unsubscribe(ctx, "c"))
	get(channel.Receive(ctx))
	same(get(connect().Publish(ctx, "c", "nobody").Result()), int64(0))
	must(channel.Ping(ctx))
	get(channel.Receive(ctx))
	must(channel.Subscribe(ctx, "c"))
	get(channel.Receive(ctx))
	same(get(connect().Publish(ctx, "c", "again").Result()), int64(1))
	same(get(channel.ReceiveMessage(ctx)).Payload, "again")
	shard := r.SSubscribe(ctx, "s")
	defer shard.Close()
	get(shard.Receive(ctx))
	same(get(connect().SPublish(ctx, "s", "three").Result()), int64(1))
	same(get(shard.ReceiveMessage(ctx)).Payload, "three")
}

func scripts(r *redis.Client) {
	twice := redis.NewScript("return {KEYS[1], ARGV[1] * 2}")
	same(get(twice.Run(ctx, r, []string{"k"}, 21).Result()), []any{"k", int64(42)})
	same(get(twice.Run(ctx, r, []string{"k"}, 4).Result()), []any{"k", int64(8)})
	fails(r.EvalSha(ctx, strings.Repeat("0", 40), nil).Err(), "NOSCRIPT")
	fails(r.Eval(ctx, "return redis.call('nope')", nil).Err(), "nknown")
	library := "#!lua name=lib\nredis.register_function('f', function(k, a) return a[1] end)"
	same(get(r.FunctionLoadReplace(ctx, library).Result()), "lib")
	same(get(r.FCall(ctx, "f", nil, "x").Result()), any("x"))
	same(get(r.FunctionFlush(ctx).Result()), "OK")
}

func databasesAndNames(r *redis.Client) {
	third := options()
	third.DB, third.ClientName = 3, "me"
	other := redis.NewClient(third)
	same(get(other.Set(ctx, "k", "three", 0).Result()), "OK")
	same(r.Get(ctx, "k").Err(), redis.Nil)
	same(get(other.Get(ctx, "k").Result()), "three")
	same(get(other.ClientGetName(ctx).Result()), "me")
	one := r.Conn()
	defer one.Close()
	same(get(one.Select(ctx, 3).Result()), "OK")
	same(get(one.Get(ctx, "k").Result()), "three")
	wrong := options()
	wrong.DB = 99
	fails(redis.NewClient(wrong).Ping(ctx).Err(), "DB index is out of range")
}

func largeAndBinary(r *redis.Client) {
	for _, size := range []int{0, 1, 65536, 1 << 20, 16 << 20} {
		value := make([]byte, size)
		rand.Read(value)
		must(r.Set(ctx, "large", value, 0).Err())
		same(bytes.Equal(get(r.Get(ctx, "large").Bytes()), value), true)
	}
	key := "\x00\r\n$*\xff"
	must(r.Set(ctx, key, key, 0).Err())
	same(get(r.Get(ctx, key).Result()), key)
}

func scans(r *redis.Client) {
	pipe := r.Pipeline()
	for i := range 500 {
		pipe.Set(ctx, "scan:"+strconv.Itoa(i), i, 0)
	}
	get(pipe.Exec(ctx))
	keys := map[string]bool{}
	for iterator := r.Scan(ctx, 0, "scan:*", 50).Iterator(); iterator.Next(ctx); {
		keys[iterator.Val()] = true
	}
	same(len(keys), 500)
}

func errorsCase(r *redis.Client) {
	must(r.Set(ctx, "k", "v", 0).Err())
	fails(r.LPush(ctx, "k", "x").Err(), "WRONGTYPE")
	fails(r.Do(ctx, "NOPE").Err(), "unknown command")
	fails(r.Do(ctx, "JSON.GET", "k").Err(), "unknown command")
	fails(r.Do(ctx, "GET").Err(), "wrong number of arguments")
	wrong := options()
	wrong.Username, wrong.Password = "nobody", "x"
	fails(redis.NewClient(wrong).Ping(ctx).Err(), "WRONGPASS")
	same(get(r.Get(ctx, "k").Result()), "v")
}

func questions(r *redis.Client) {
	same(strings.Contains(get(r.Info(ctx, "server").Result()), "redis_version"), true)
	same(len(get(r.ConfigGet(ctx, "maxmemory").Result())), 1)
	same(get(r.Wait(ctx, 0, 0).Result()), int64(0))
	same(get(r.Echo(ctx, "x").Result()), any("x"))
	same(r.ObjectEncoding(ctx, "nothing").Err(), redis.Nil)
}

func manyGoroutines(r *redis.Client) {
	var wrong sync.Map
	var group sync.WaitGroup
	for i := range 50 {
		group.Add(1)
		go func() {
			defer group.Done()
			key := "goroutine" + strconv.Itoa(i)
			for round := range 100 {
				value := key + ":" + strconv.Itoa(round)
				r.Set(ctx, key, value, 0)
				if found := r.Get(ctx, key).Val(); found != value {
					wrong.Store(value, found)
				}
			}
		}()
	}
	group.Wait()
	wrong.Range(func(value, found any) bool {
		fail("%v instead of %v", found, value)
		return false
	})
}

func run(name string, function func(*redis.Client)) {
	r := connect()
	defer r.Close()
	defer func() {
		var told failure
		switch caught := recover().(type) {
		case nil:
			fmt.Println("ok", name)
			return
		case failure:
			told = caught
		default:
			told = failure{fmt.Sprint(caught)}
		}
		fmt.Printf("failed %s: %s\n", name, strings.Join(strings.Fields(told.text), " "))
	}()
	must(r.FlushAll(ctx).Err())
	function(r)
}

func main() {
	if len(os.Args) != 3 {
		panic(errors.New("usage: functional PORT RESP"))
	}
	for _, each := range []struct {
		name     string
		function func(*redis.Client)
	}{
		{"strings", stringsCase},
		{"collections", collections},
		{"pipelines", pipelines},
		{"transactions", transactions},
		{"blocking", blocking},
		{"publish and subscribe", publishAndSubscribe},
		{"scripts", scripts},
		{"databases and names", databasesAndNames},
		{"large and binary", largeAndBinary},
		{"scans", scans},
		{"errors", errorsCase},
		{"questions", questions},
		{"many goroutines", manyGoroutines},
	} {
		run(each.name, each.function)
	}
}
