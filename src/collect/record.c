/* The predicate urn:airlock:collection:v1 (docs/formats/collection.schema.json): who was asked for what, and what else
 * was tried. It carries no token: a client gets its token in a file, never in its arguments. */
#include <string.h>
#include <sys/wait.h>

#include "collect/collecting.h"
#include "version.h"

/* Connections of one run that are listed one by one; the sums by host are always whole. */
#define CONNECTIONS_LISTED 500U

static void put_sha256(struct json_out *w, const struct digest *d)
{
    json_put_object(w, "digest");
    json_put_string(w, "sha256", digest_hex(d).text);
    json_out_object_end(w);
}

static void put_locks(const struct collecting *c, struct json_out *w)
{
    json_put_array(w, "locks");
    for (size_t i = 0; i < c->spec->set_count; i++) {
        const struct collect_set *set = &c->spec->sets[i];
        json_out_object(w);
        json_put_string(w, "file", set->file);
        json_put_string(w, "kind", lock_kind_name(set->kind));
        json_put_string(w, "group", set->group);
        put_sha256(w, &c->locks[i].digest);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

static void put_place(struct json_out *w, const struct place *p)
{
    json_put_string(w, "host", p->host);
    json_put_uint(w, "port", p->port);
}

static void put_hosts(const struct client_record *r, struct json_out *w)
{
    json_put_array(w, "hosts");
    for (size_t i = 0; i < r->places.count; i++) {
        uint64_t connections = 0, sent = 0, received = 0;
        for (size_t k = 0; k < r->relay.count; k++) {
            if (r->relay.list[k].place != i)
                continue;
            connections++;
            sent += r->relay.list[k].sent;
            received += r->relay.list[k].received;
        }
        json_out_object(w);
        put_place(w, &r->places.list[i]);
        json_put_uint(w, "connections", connections);
        json_put_uint(w, "sent", sent);
        json_put_uint(w, "received", received);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

static void put_connections(const struct client_record *r, struct json_out *w)
{
    json_put_array(w, "connections");
    for (size_t i = 0; i < r->relay.count && i < CONNECTIONS_LISTED; i++) {
        const struct relay_connection *one = &r->relay.list[i];
        json_out_object(w);
        put_place(w, &r->places.list[one->place]);
        json_put_uint(w, "sent", one->sent);
        json_put_uint(w, "received", one->received);
        json_put_int(w, "begin-ms", one->begin_ms);
        json_put_int(w, "end-ms", one->end_ms);
        if (one->why[0])
            json_put_string(w, "why", one->why);
        json_out_object_end(w);
    }
    json_out_array_end(w);
    json_put_uint(w, "connections-more", r->relay.count > CONNECTIONS_LISTED ? r->relay.count - CONNECTIONS_LISTED : 0);
}

/* What it tried besides, all of which failed. */
static void put_refused(const struct client_record *r, struct json_out *w)
{
    json_put_array(w, "refused");
    for (size_t i = 0; i < r->watched.count; i++) {
        const struct silence_attempt *a = &r->watched.attempts[i];
        json_out_object(w);
        json_put_string(w, "program", a->program);
        json_put_string(w, "op", a->op);
        json_put_string(w, "proto", a->proto);
        json_put_string(w, "name", a->name);
        json_put_string(w, "address", a->address);
        json_put_uint(w, "port", a->port);
        json_put_uint(w, "count", a->count);
        json_out_object_end(w);
    }
    json_out_array_end(w);
    json_put_uint(w, "refused-more", r->watched.dropped);
    json_put_array(w, "recorders");
    for (size_t i = 0; i < SILENCE_RECORDERS; i++) {
        json_out_object(w);
        json_put_string(w, "name", r->watched.recorders[i].name);
        json_put_bool(w, "awake", r->watched.recorders[i].awake);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

static void put_client(const struct client_record *r, struct json_out *w)
{
    json_out_object(w);
    json_put_string(w, "name", r->client->name);
    json_put_string(w, "version", r->version);
    json_put_array(w, "command");
    for (char **word = r->argv; *word; word++)
        json_out_string(w, *word);
    json_out_array_end(w);
    json_put_time(w, "started", r->started_s);
    json_put_int(w, "ms", r->ms);
    json_put_int(w, "status", WIFEXITED(r->status) ? WEXITSTATUS(r->status) : -1);
    put_hosts(r, w);
    put_connections(r, w);
    put_refused(r, w);
    json_out_object_end(w);
}

void record_write(const struct collecting *c, const struct digest *manifest, struct buf *out)
{
    struct json_out w;
    uint64_t bytes = 0;
    for (size_t i = 0; i < c->packages.count; i++)
        bytes += c->packages.items[i].size;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "name", c->spec->name);
    json_put_digest(&w, "collection", manifest);
    json_put_string(&w, "airlock", AIRLOCK_VERSION);
    json_put_time(&w, "collected", c->s->now_s);
    json_put_object(&w, "definition");
    put_sha256(&w, &c->definition);
    json_out_object_end(&w);
    put_locks(c, &w);
    json_put_uint(&w, "packages", c->packages.count);
    json_put_uint(&w, "bytes", bytes);
    json_put_array(&w, "clients");
    for (size_t i = 0; i < c->clients.count; i++)
        put_client(&c->clients.list[i], &w);
    json_out_array_end(&w);
    json_out_object_end(&w);
}
