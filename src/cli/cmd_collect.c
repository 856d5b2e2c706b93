#include <stdio.h>

#include "cli/commands.h"
#include "cli/ship_progress.h"
#include "collect/collect.h"

static void print_json(const struct collect_result *r)
{
    struct json_out w;
    auto_buf out = BUF(1U << 20);
    command_json(&w, &out, "collect");
    json_put_string(&w, "name", r->name);
    json_put_digest(&w, "digest", &r->digest);
    json_put_bool(&w, "already", r->already);
    json_put_uint(&w, "files", r->files);
    json_put_uint(&w, "bytes", r->bytes);
    json_put_array(&w, "ecosystems");
    for (size_t i = 0; i < r->line_count; i++) {
        json_out_object(&w);
        json_put_string(&w, "ecosystem", r->lines[i].ecosystem);
        json_put_uint(&w, "files", r->lines[i].files);
        json_put_uint(&w, "bytes", r->lines[i].bytes);
        json_out_object_end(&w);
    }
    json_out_array_end(&w);
    json_put_array(&w, "hosts");
    for (size_t i = 0; i < r->host_count; i++) {
        json_out_object(&w);
        json_put_string(&w, "host", r->hosts[i].host);
        json_put_uint(&w, "port", r->hosts[i].port);
        json_put_uint(&w, "connections", r->hosts[i].connections);
        json_put_uint(&w, "sent", r->hosts[i].sent);
        json_put_uint(&w, "received", r->hosts[i].received);
        json_out_object_end(&w);
    }
    json_out_array_end(&w);
    json_put_array(&w, "remarks");
    for (size_t i = 0; i < r->remark_count; i++)
        json_out_string(&w, r->remarks[i]);
    json_out_array_end(&w);
    command_json_end(&w);
}

static void print_text(const struct collect_result *r)
{
    char size[32];
    printf("%s is %s%s\n", r->name, digest_text(&r->digest).text, r->already ? ", as it was collected before" : "");
    for (size_t i = 0; i < r->line_count; i++) {
        print_size(size, r->lines[i].bytes);
        printf("  %-6s %zu files, %s\n", r->lines[i].ecosystem, r->lines[i].files, size);
    }
    for (size_t i = 0; i < r->host_count; i++) {
        print_size(size, r->hosts[i].received);
        printf("  from   %s:%u, %s over %zu connection%s\n", r->hosts[i].host, r->hosts[i].port, size,
               r->hosts[i].connections, r->hosts[i].connections == 1 ? "" : "s");
    }
}

static void say_step(void *arg, const char *what)
{
    const struct invocation *in = arg;
    if (!in->quiet && !in->json)
        fprintf(stderr, "airlock collect: %s\n", what);
}

static int run(struct invocation *in)
{
    static struct collect_result r;
    struct err e = {0};
    const struct collect_progress progress = {.arg = in, .step = say_step};
    auto_site s = command_site(in, SITE_STATION, &e);
    if (!s || collect(s, in->argv[0], &progress, &r, &e) < 0)
        return command_fail(in, &e);
    for (size_t i = 0; i < r.remark_count && !in->quiet; i++)
        fprintf(stderr, "airlock collect: %s\n", r.remarks[i]);
    if (in->json)
        print_json(&r);
    else
        print_text(&r);
    return 0;
}

const struct command CMD_COLLECT = {
    .name = "collect",
    .usage = "FILE",
    .summary = "fetch what lock files pin, with the real clients, into the station's store",
    .detail =
        "FILE names the upstreams that may be reached and the lock files that say what is fetched\n"
        "(docs/formats/collect.yaml.md); paths in it are relative to its folder. An entry that floats (no version, a "
        "range,\n"
        "a tag, no hash) ends with status 3 before anybody was asked, with its line and how to pin it. Each client "
        "runs in a\n"
        "box that reaches the named upstreams through relays and nothing else; install scripts do not run; every file "
        "is\n"
        "held against its lock here. The result is one collection, which release.yaml names under packages: the same "
        "locks\n"
        "give the same digest. Who was asked for what is a signed record that hangs on it. Proxies of the environment "
        "are\nused (http_proxy, https_proxy, no_proxy).",
    .min_args = 1,
    .max_args = 1,
    .run = run,
};
