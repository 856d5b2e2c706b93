#include "site/config.h"

#include <string.h>

#include "parse/yaml.h"
#include "util/limits.h"

static const char *const KIND_NAMES[] = {[SITE_CONTOUR] = "contour", [SITE_STATION] = "station"};

static unsigned line_of(const struct yaml *map, const char *key)
{
    const struct yaml *found = yaml_get(map, key);
    return found ? found->line : map->line;
}

/* Takes the string of `key` into a field of `size` characters. */
static int take_text(const struct yaml *map, const char *key, const char *fallback, char *to, size_t size,
                     struct err *e)
{
    const char *text = NULL;
    if (fallback ? yaml_text_or(map, key, fallback, &text, CONFIG_FILE, e) < 0
                 : !(text = yaml_need_text(map, key, CONFIG_FILE, e)))
        return -1;
    if (strlen(text) >= size)
        return err_set(e, ERR_INPUT, 0, CONFIG_FILE ":%u: %s: at most %zu characters, found %zu", line_of(map, key),
                       key, size - 1, strlen(text));
    memcpy(to, text, strlen(text) + 1);
    return 0;
}

static int take_size(const struct yaml *map, const char *key, uint64_t *out, struct err *e)
{
    const char *text;
    if (yaml_text_or(map, key, "0", &text, CONFIG_FILE, e) < 0)
        return -1;
    if (!yaml_size(text, out))
        return err_set(e, ERR_INPUT, 0,
                       CONFIG_FILE ":%u: %s: \"%.32s\" is no size; wanted a number and K, M, G or T, such as 8G",
                       line_of(map, key), key, text);
    return 0;
}

static int take_environments(const struct yaml *map, struct config *c, struct err *e)
{
    const struct yaml *list = yaml_get(map, "environments");
    if (!list) {
        memcpy(c->serve[0], "prod", sizeof "prod");
        c->serve_count = 1;
        return 0;
    }
    if (list->kind != YAML_LIST || list->count > ARRAY_LEN(c->serve))
        return err_set(e, ERR_INPUT, 0, CONFIG_FILE ":%u: environments: wanted a list of at most %zu names", list->line,
                       ARRAY_LEN(c->serve));
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml *item = list->items[i];
        if (item->kind != YAML_SCALAR ||
            (strcmp(item->text, "sandbox") != 0 && strcmp(item->text, "test") != 0 && strcmp(item->text, "prod") != 0))
            return err_set(e, ERR_INPUT, 0,
                           CONFIG_FILE ":%u: environments: found \"%.32s\"; wanted sandbox, test or prod", item->line,
                           item->kind == YAML_SCALAR ? item->text : "a list or map");
        memcpy(c->serve[i], item->text, strlen(item->text) + 1);
    }
    c->serve_count = list->count;
    return 0;
}

static int take_serve(const struct yaml *root, struct config *c, struct err *e)
{
    static const char *const keys[] = {"listen", "port", "environments", "requests-per-minute", "log-prompts", NULL};
    static const struct yaml empty = {.kind = YAML_MAP};
    const struct yaml *map = yaml_get(root, "serve");
    if (!map)
        map = &empty;
    if (yaml_only_keys(map, keys, CONFIG_FILE, e) < 0 ||
        take_text(map, "listen", "127.0.0.1", c->listen, sizeof c->listen, e) < 0 ||
        yaml_uint_or(map, "port", 8470, &c->port, CONFIG_FILE, e) < 0 || take_environments(map, c, e) < 0 ||
        yaml_uint_or(map, "requests-per-minute", 600, &c->requests_per_minute, CONFIG_FILE, e) < 0 ||
        yaml_bool_or(map, "log-prompts", false, &c->log_prompts, CONFIG_FILE, e) < 0)
        return -1;
    if (c->port > 65535)
        return err_set(e, ERR_INPUT, 0, CONFIG_FILE ":%u: serve.port: wanted 0 to 65535, found %llu",
                       line_of(map, "port"), (unsigned long long)c->port);
    return 0;
}

/* Both files or none. */
static int take_tls(const struct yaml *root, struct config *c, struct err *e)
{
    static const char *const keys[] = {"certificate", "key", NULL};
    const struct yaml *map = yaml_get(root, "tls");
    if (!map)
        return 0;
    if (yaml_only_keys(map, keys, CONFIG_FILE, e) < 0 ||
        take_text(map, "certificate", NULL, c->tls_certificate, sizeof c->tls_certificate, e) < 0 ||
        take_text(map, "key", NULL, c->tls_key, sizeof c->tls_key, e) < 0)
        return -1;
    if (c->tls_certificate[0] && c->tls_key[0])
        return 0;
    return err_set(e, ERR_INPUT, 0, CONFIG_FILE ":%u: tls: wanted the names of two files, certificate and key",
                   map->line);
}

static int take_engine(const struct yaml *root, struct config *c, struct err *e)
{
    static const char *const keys[] = {"memory", "cpus", "threads", "standby", NULL};
    static const struct yaml empty = {.kind = YAML_MAP};
    const struct yaml *map = yaml_get(root, "engine");
    if (!map)
        map = &empty;
    if (yaml_only_keys(map, keys, CONFIG_FILE, e) < 0 || take_size(map, "memory", &c->engine_memory_bytes, e) < 0 ||
        yaml_uint_or(map, "cpus", 0, &c->engine_cpus, CONFIG_FILE, e) < 0 ||
        yaml_uint_or(map, "threads", 0, &c->engine_threads, CONFIG_FILE, e) < 0)
        return -1;
    return yaml_bool_or(map, "standby", true, &c->standby, CONFIG_FILE, e);
}

/* What a small site has left when it must begin to worry: room for the database and the ledger of months. */
#define RESERVE_BYTES_DEFAULT (256ULL << 20)

static int take_intake(const struct yaml *root, struct config *c, struct err *e)
{
    static const char *const keys[] = {"reserve", "quota", NULL};
    const struct yaml *map = yaml_get(root, "intake");
    c->reserve_bytes = RESERVE_BYTES_DEFAULT;
    if (!map)
        return 0;
    if (yaml_only_keys(map, keys, CONFIG_FILE, e) < 0 ||
        (yaml_get(map, "reserve") && take_size(map, "reserve", &c->reserve_bytes, e) < 0))
        return -1;
    return take_size(map, "quota", &c->quota_bytes, e);
}

static int take_retention(const struct yaml *root, struct config *c, struct err *e)
{
    static const char *const keys[] = {"access", NULL};
    const struct yaml *map = yaml_get(root, "retention");
    const char *text;
    if (!map)
        return 0;
    if (yaml_only_keys(map, keys, CONFIG_FILE, e) < 0 || yaml_text_or(map, "access", "0", &text, CONFIG_FILE, e) < 0)
        return -1;
    if (strcmp(text, "0") == 0 || yaml_duration(text, &c->keep_access_s))
        return 0;
    return err_set(e, ERR_INPUT, 0,
                   CONFIG_FILE
                   ":%u: retention.access: \"%.32s\" is no length of time; wanted for example 400d, or 0 for "
                   "ever",
                   line_of(map, "access"), text);
}

static int take_kind(const struct yaml *root, enum site_kind *out, struct err *e)
{
    const char *text = yaml_need_text(root, "kind", CONFIG_FILE, e);
    if (!text)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(KIND_NAMES); i++) {
        if (strcmp(text, KIND_NAMES[i]) == 0) {
            *out = (enum site_kind)i;
            return 0;
        }
    }
    return err_set(e, ERR_INPUT, 0, CONFIG_FILE ":%u: kind: wanted contour or station, found \"%.32s\"",
                   line_of(root, "kind"), text);
}

static void free_yaml(struct yaml **y)
{
    yaml_free(*y);
}

int config_parse(struct span text, struct config *out, struct err *e)
{
    static const char *const contour_keys[] = {"kind", "name",   "id",     "passphrase-file", "serve",
                                               "tls",  "engine", "intake", "retention",       NULL};
    static const char *const station_keys[] = {"kind", "name", "id", "passphrase-file", "intake", NULL};
    *out = (struct config){0};
    AUTO(free_yaml) struct yaml *root = yaml_parse(text, CONFIG_FILE, e);
    if (!root)
        return -1;
    if (root->kind != YAML_MAP)
        return err_set(e, ERR_INPUT, 0, CONFIG_FILE ": wanted keys and values at the top");
    if (take_kind(root, &out->kind, e) < 0 ||
        yaml_only_keys(root, out->kind == SITE_CONTOUR ? contour_keys : station_keys, CONFIG_FILE, e) < 0 ||
        take_text(root, "name", NULL, out->name, sizeof out->name, e) < 0 ||
        take_text(root, "id", NULL, out->id, sizeof out->id, e) < 0 ||
        take_text(root, "passphrase-file", "keys/unseal", out->passphrase_file, sizeof out->passphrase_file, e) < 0 ||
        take_intake(root, out, e) < 0)
        return -1;
    if (out->kind == SITE_STATION)
        return 0;
    if (take_serve(root, out, e) < 0 || take_tls(root, out, e) < 0 || take_retention(root, out, e) < 0)
        return -1;
    return take_engine(root, out, e);
}

static const char CONTOUR_TEXT[] =
    "\n"
    "serve:\n"
    "  # Without TLS loopback only.\n"
    "  listen: 127.0.0.1\n"
    "  # 0: any free port; run/serve.json then says which.\n"
    "  port: 8470\n"
    "  # Environments whose releases are kept running. Others start for `airlock test` and `airlock silence` only.\n"
    "  environments: [prod]\n"
    "  # Quota of one token: questions to the gateway (/v1/). Pulls and packages are not counted.\n"
    "  requests-per-minute: 600\n"
    "  # Access records say who asked, which release answered, how many tokens and how long; with true, also what.\n"
    "  log-prompts: false\n"
    "\n"
    "# TLS 1.2 and 1.3: PEM files, relative to this folder or absolute. The certificate of this server comes first, "
    "then "
    "those\n"
    "# that it was issued by; the key is not sealed, and readable by the user of `serve` only. A new pair is taken "
    "without a\n"
    "# restart. With TLS, serve.listen may be any address.\n"
    "# tls:\n"
    "#   certificate: tls/server.pem\n"
    "#   key: tls/server.key\n"
    "\n"
    "engine:\n"
    "  # Limits of one running release, where the host has cgroups (`airlock doctor`). 0: none.\n"
    "  memory: 0\n"
    "  cpus: 0\n"
    "  # Threads that an engine is told to use. 0: one a processor.\n"
    "  threads: 0\n"
    "  # Keep the previous release loaded, so that a rollback takes no time.\n"
    "  standby: true\n"
    "\n"
    "intake:\n"
    "  # Below so much free space nothing is taken in (receive, push); what stands here is served as ever.\n"
    "  reserve: 256M\n"
    "  # What may lie pushed and unjudged in one repository. 0: no limit.\n"
    "  quota: 0\n"
    "\n"
    "retention:\n"
    "  # `airlock gc` removes access records that are older, as 400d, and the ledger says so. 0: they stay for ever.\n"
    "  access: 0\n";

void config_write(enum site_kind kind, const char *name, const char *id, const char *passphrase_file, struct buf *out)
{
    buf_printf(
        out,
        "# Configuration of this %s. Strict: an unknown key is an error.\n"
        "kind: %s\n"
        "name: %s\n"
        "# Made once, at random. It says who a shipment is addressed to; do not change it.\n"
        "id: \"%s\"\n"
        "# What unseals this %s's own keys in keys/: a file, relative to this folder or absolute. No person's key is "
        "here.\n"
        "passphrase-file: \"%s\"\n",
        KIND_NAMES[kind], KIND_NAMES[kind], name, id, KIND_NAMES[kind], passphrase_file);
    if (kind == SITE_CONTOUR)
        buf_add_str(out, CONTOUR_TEXT);
}
