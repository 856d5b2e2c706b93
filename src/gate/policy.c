#include "gate/policy.h"

#include <fcntl.h>
#include <string.h>

#include "gate/policy_internal.h"
#include "parse/yaml_tree.h"
#include "trust/dsse.h"
#include "util/file.h"
#include "util/limits.h"

#define SCAN_AGE_DEFAULT     "30d"
#define APPROVAL_AGE_LONGEST (90ULL * 86400)

static const char *const REQUIREMENT_NAMES[REQUIREMENTS] = {
    [REQUIRE_STATION_SIGNATURE] = "station-signature",
    [REQUIRE_PROVENANCE] = "provenance",
    [REQUIRE_SBOM] = "sbom",
    [REQUIRE_SCAN] = "scan",
    [REQUIRE_STOOD_BEFORE] = "stood-before",
    [REQUIRE_TEST] = "test",
    [REQUIRE_SILENCE] = "silence",
    [REQUIRE_REQUEST] = "request",
    [REQUIRE_APPROVALS] = "approvals",
    [REQUIRE_ADVISORIES] = "advisories",
};

#define BIT(name) (1U << (REQUIRE_##name))

/* The order of environments, and the floor: what no policy can leave out. */
static const struct {
    const char *name, *before;
    uint32_t floor;
} ENVIRONMENTS[POLICY_ENVIRONMENTS] = {
    [POLICY_SANDBOX] = {ENVIRONMENT_SANDBOX, NULL, BIT(STATION_SIGNATURE) | BIT(SCAN)},
    [POLICY_TEST] = {ENVIRONMENT_TEST, ENVIRONMENT_SANDBOX, BIT(STOOD_BEFORE) | BIT(SCAN)},
    [POLICY_PROD] = {ENVIRONMENT_PROD, ENVIRONMENT_TEST,
                     BIT(STOOD_BEFORE) | BIT(SCAN) | BIT(TEST) | BIT(SILENCE) | BIT(REQUEST) | BIT(APPROVALS)},
};

static const enum role FLOOR_APPROVALS[] = {ROLE_SECURITY_OFFICER, ROLE_PRODUCT_OWNER};

const char *requirement_name(enum requirement r)
{
    return REQUIREMENT_NAMES[r];
}

bool policy_requirement(const char *name, unsigned *out)
{
    for (*out = 0; *out < REQUIREMENTS; ++*out)
        if (strcmp(name, REQUIREMENT_NAMES[*out]) == 0)
            return true;
    return false;
}

bool environment_known(const char *name)
{
    for (size_t i = 0; i < POLICY_ENVIRONMENTS; i++)
        if (strcmp(name, ENVIRONMENTS[i].name) == 0)
            return true;
    return false;
}

const struct policy_environment *policy_environment(const struct policy *p, const char *name, struct err *e)
{
    for (size_t i = 0; i < POLICY_ENVIRONMENTS; i++)
        if (strcmp(name, p->environments[i].name) == 0)
            return &p->environments[i];
    err_set(e, ERR_USAGE, 0, "\"%.32s\" is no environment; wanted sandbox, test or prod", name);
    return NULL;
}

int policy_bad(struct err *e, const char *file, unsigned line, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_setv(e, ERR_INPUT, 0, format, args);
    va_end(args);
    return err_prefix(e, "%s:%u", file, line);
}

unsigned policy_line(const struct yaml *map, const char *key)
{
    const struct yaml *found = yaml_get(map, key);
    return found ? found->line : map->line;
}

static int requirement_parse(const struct yaml *item, const char *file, uint32_t *bits, struct err *e)
{
    if (item->kind != YAML_SCALAR)
        return policy_bad(e, file, item->line, "wanted the name of a requirement");
    for (unsigned r = 0; r < REQUIREMENTS; r++) {
        if (strcmp(item->text, REQUIREMENT_NAMES[r]) != 0)
            continue;
        if (*bits & 1U << r)
            return policy_bad(e, file, item->line, "%s stands twice in `require`", item->text);
        *bits |= 1U << r;
        return 0;
    }
    policy_bad(e, file, item->line, "\"%.40s\" is nothing that a policy can ask for", item->text);
    return err_hint(e, "Wanted station-signature, provenance, sbom, scan, stood-before, test, silence, request, "
                       "approvals or advisories");
}

int policy_age_within(const struct yaml *map, const char *key, const char *fallback, uint64_t longest_s,
                      const char *file, uint64_t *out, struct err *e)
{
    const char *text;
    if (yaml_text_or(map, key, fallback, &text, file, e) < 0)
        return -1;
    if (!yaml_duration(text, out) || *out == 0)
        return policy_bad(e, file, policy_line(map, key),
                          "%s: \"%.32s\" is no length of time; wanted for example 30d or 12h", key, text);
    if (*out > longest_s)
        return policy_bad(e, file, policy_line(map, key), "%s: \"%.32s\" is too long; wanted at most %llud", key, text,
                          (unsigned long long)longest_s / 86400);
    return 0;
}

int policy_age_or(const struct yaml *map, const char *key, const char *fallback, const char *file, uint64_t *out,
                  struct err *e)
{
    return policy_age_within(map, key, fallback, POLICY_AGE_LONGEST, file, out, e);
}

static int approvals_parse(const struct yaml *map, const char *file, struct policy_environment *out, struct err *e)
{
    const struct yaml *list = yaml_get(map, "approvals");
    if (!list)
        return 0;
    if (list->kind != YAML_LIST || list->count == 0 || list->count > POLICY_APPROVALS)
        return policy_bad(e, file, list->line, "approvals: wanted a list of 1 to %u roles", POLICY_APPROVALS);
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml *item = list->items[i];
        enum role r;
        if (item->kind != YAML_SCALAR || !role_parse(item->text, &r))
            return policy_bad(e, file, item->line, "approvals: \"%.40s\" is no role", item->text ? item->text : "");
        if (r == ROLE_PUBLISHER || r == ROLE_ADMINISTRATOR || r == ROLE_AUDITOR)
            return policy_bad(e, file, item->line, "approvals: a %s never approves", item->text);
        out->approvals[out->approval_count++] = r;
    }
    return 0;
}

static bool asks_role(const struct policy_environment *env, enum role r)
{
    for (size_t i = 0; i < env->approval_count; i++)
        if (env->approvals[i] == r)
            return true;
    return false;
}

static int floor_check(const struct yaml *map, const char *file, size_t index, const struct policy_environment *env,
                       struct err *e)
{
    for (unsigned r = 0; r < REQUIREMENTS; r++) {
        if (!(ENVIRONMENTS[index].floor & 1U << r) || env->require & 1U << r)
            continue;
        policy_bad(e, file, policy_line(map, "require"), "%s must ask for %s", env->name, REQUIREMENT_NAMES[r]);
        return err_hint(e, "A policy may ask for more than the floor, never for less; add it to `require`");
    }
    if (index == POLICY_PROD) {
        for (size_t i = 0; i < ARRAY_LEN(FLOOR_APPROVALS); i++)
            if (!asks_role(env, FLOOR_APPROVALS[i]))
                return policy_bad(e, file, policy_line(map, "approvals"), "prod must ask for the approval of a %s",
                                  role_name(FLOOR_APPROVALS[i]));
    }
    if ((env->require & BIT(APPROVALS)) && env->approval_count == 0)
        return policy_bad(e, file, policy_line(map, "require"),
                          "%s asks for approvals and does not say whose: `approvals: [ROLE, …]`", env->name);
    if (!(env->require & BIT(APPROVALS)) && env->approval_count > 0)
        return policy_bad(e, file, policy_line(map, "approvals"),
                          "%s lists roles in `approvals`, but `require` does not name approvals", env->name);
    if ((env->require & BIT(STOOD_BEFORE)) && !env->before)
        return policy_bad(e, file, policy_line(map, "require"), "nothing stands before %s", env->name);
    if ((env->require & (BIT(TEST) | BIT(SILENCE))) && index != POLICY_PROD)
        return policy_bad(e, file, policy_line(map, "require"),
                          "test and silence run in test, so only prod can ask for them");
    return 0;
}

static int environment_parse(const struct yaml *environments, const char *file, size_t index,
                             struct policy_environment *out, struct err *e)
{
    static const char *const keys[] = {"require", "scan-max-age", "approvals", "approval-max-age", NULL};
    *out = (struct policy_environment){.name = ENVIRONMENTS[index].name, .before = ENVIRONMENTS[index].before};
    const struct yaml *map = yaml_need(environments, out->name, YAML_MAP, file, e);
    if (!map || yaml_only_keys(map, keys, file, e) < 0)
        return -1;
    const struct yaml *require = yaml_need(map, "require", YAML_LIST, file, e);
    if (!require)
        return -1;
    for (size_t i = 0; i < require->count; i++)
        if (requirement_parse(require->items[i], file, &out->require, e) < 0)
            return -1;
    if (policy_age_or(map, "scan-max-age", SCAN_AGE_DEFAULT, file, &out->scan_age_s, e) < 0 ||
        policy_age_within(map, "approval-max-age", "30d", APPROVAL_AGE_LONGEST, file, &out->approval_age_s, e) < 0 ||
        approvals_parse(map, file, out, e) < 0)
        return -1;
    return floor_check(map, file, index, out, e);
}

/* Chat templates that a scan lets pass: what a person has read, by the SHA-256 of its text. */
static int templates_parse(const struct yaml *root, const char *file, struct policy *out, struct err *e)
{
    const struct yaml *list = yaml_get(root, "templates");
    if (!list)
        return 0;
    if (list->kind != YAML_LIST || list->count > POLICY_TEMPLATES)
        return policy_bad(e, file, list->line, "templates: wanted a list of at most %u digests", POLICY_TEMPLATES);
    for (size_t i = 0; i < list->count; i++) {
        const struct yaml *item = list->items[i];
        struct err why = {0};
        if (item->kind != YAML_SCALAR || digest_parse(span_str(item->text), &out->templates[i], &why) < 0)
            return policy_bad(e, file, item->line,
                              "templates: wanted sha256:HEX, as `airlock scan` prints it of a template");
    }
    out->template_count = list->count;
    return 0;
}

static void close_yaml(struct yaml **y)
{
    yaml_free(*y);
}

static int read_tree(const struct yaml *root, const char *name, struct policy *out, struct err *e)
{
    static const char *const top[] = {"schema",   "environments", "templates", "advisories", "waivers",
                                      "scanners", "licences",     "examples",  NULL};
    static const char *const names[] = {ENVIRONMENT_SANDBOX, ENVIRONMENT_TEST, ENVIRONMENT_PROD, NULL};
    if (root->kind != YAML_MAP)
        return policy_bad(e, name, root->line, "wanted keys and values at the top");
    const char *schema;
    const struct yaml *environments;
    if (yaml_only_keys(root, top, name, e) < 0 || !(schema = yaml_need_text(root, "schema", name, e)) ||
        !(environments = yaml_need(root, "environments", YAML_MAP, name, e)) ||
        yaml_only_keys(environments, names, name, e) < 0)
        return -1;
    if (strcmp(schema, "airlock/policy/1") != 0)
        return policy_bad(e, name, policy_line(root, "schema"), "schema: wanted airlock/policy/1, found \"%.40s\"",
                          schema);
    for (size_t i = 0; i < POLICY_ENVIRONMENTS; i++)
        if (environment_parse(environments, name, i, &out->environments[i], e) < 0)
            return -1;
    return templates_parse(root, name, out, e) < 0 || policy_findings_parse(root, name, &out->findings, e) < 0 ||
                   policy_scanners_parse(root, name, &out->scanners, e) < 0 ||
                   policy_licences_parse(root, name, out->licences, e) < 0
               ? -1
               : policy_examples_parse(root, name, out, e);
}

int policy_parse(struct span text, const char *name, struct policy *out, struct err *e)
{
    *out = (struct policy){.digest = digest_of(text)};
    AUTO(close_yaml) struct yaml *root = yaml_parse(text, name, e);
    return root ? read_tree(root, name, out, e) : -1;
}

#define APART_TIMEOUT_MS 20000

int policy_parse_apart(struct child *parser, struct span text, const char *name, struct policy *out, struct err *e)
{
    struct child_request request = {
        .op = "yaml", .fd = -1, .input = text, .arg = span_str(name), .timeout_ms = APART_TIMEOUT_MS};
    auto_buf reply = BUF(LIMIT_MESSAGE_BYTES);
    *out = (struct policy){.digest = digest_of(text)};
    if (child_call(parser, &request, &reply, e) < 0)
        return -1;
    auto_json nodes = json_parse(buf_span(&reply), LIMIT_MESSAGE_BYTES, name, e);
    AUTO(close_yaml) struct yaml *root = nodes ? yaml_tree_read(nodes, e) : NULL;
    return root ? read_tree(root, name, out, e) : -1;
}

static int not_signed(struct err *e, const char *what)
{
    err_set(e, ERR_DENIED, 0, POLICY_FILE ": %s; until then every gate says no", what);
    return err_hint(
        e, "Put back the text that was signed last (the ledger's newest \"policy-set\" names its digest), or have "
           "two people sign this one: `airlock policy set`");
}

/* The text under the signature is the very text of the file, and the newest that was signed. */
static int check_signed(struct site *s, struct span text, struct err *e)
{
    auto_buf envelope = BUF(2U * LIMIT_YAML_BYTES), payload = BUF(LIMIT_YAML_BYTES), newest = BUF(DIGEST_TEXT_SIZE);
    if (file_read(s->dir, POLICY_SIGNATURE, &envelope, e) < 0)
        return e->code == ERR_NOTFOUND ? not_signed(e, "its signature " POLICY_SIGNATURE " is not there") : -1;
    struct child *parser = site_parser(s, e);
    if (!parser)
        return -1;
    const struct public_key *keys[] = {s->public_key};
    if (dsse_verify(parser, buf_span(&envelope), POLICY_TYPE, keys, 1, 1, &payload, NULL, e) < 0)
        return e->code == ERR_INPUT ? not_signed(e, "its signature is not the contour's") : -1;
    if (!span_equal(buf_span(&payload), text))
        return not_signed(e, "the text is not the one that was signed");
    if (db_meta_get(s->db, META_POLICY, &newest, e) < 0)
        return e->code == ERR_NOTFOUND ? not_signed(e, "it was never put in force") : -1;
    struct digest d = digest_of(text);
    if (!span_equal_str(buf_span(&newest), digest_text(&d).text))
        return not_signed(e, "it was signed, but another one was signed after it");
    return 0;
}

/* ── what `policy set` has set ── */

int policy_write(struct site *s, struct err *e)
{
    auto_buf envelope = BUF(2U * LIMIT_YAML_BYTES), text = BUF(LIMIT_YAML_BYTES), newest = BUF(DIGEST_TEXT_SIZE);
    const struct public_key *keys[] = {s->public_key};
    struct child *parser = site_parser(s, e);
    if (!parser || db_meta_get(s->db, META_POLICY_SIGNED, &envelope, e) < 0 ||
        db_meta_get(s->db, META_POLICY, &newest, e) < 0 ||
        dsse_verify(parser, buf_span(&envelope), POLICY_TYPE, keys, 1, 1, &text, NULL, e) < 0)
        return -1;
    struct digest d = digest_of(buf_span(&text));
    if (!span_equal_str(buf_span(&newest), digest_text(&d).text))
        return err_set(e, ERR_INPUT, 0, "the policy that state.db holds is not the one that was signed last");
    if (file_write(s->dir, POLICY_SIGNATURE, buf_span(&envelope), 0600, e) < 0)
        return -1;
    return file_write(s->dir, POLICY_FILE, buf_span(&text), 0600, e);
}

/* Between the commit and the file there may have been a crash: then policy.yaml is still the one before. */
static int complete(struct site *s, struct err *e)
{
    auto_buf before = BUF(DIGEST_TEXT_SIZE), text = BUF(LIMIT_YAML_BYTES);
    struct err absent = {0};
    if (db_meta_get(s->db, META_POLICY_BEFORE, &before, &absent) < 0)
        return absent.code == ERR_NOTFOUND ? 0 : err_set(e, absent.code, absent.sys_errno, "%s", absent.msg);
    if (file_read(s->dir, POLICY_FILE, &text, &absent) < 0)
        return absent.code == ERR_NOTFOUND ? policy_write(s, e) : 0; /* the one who reads it next says what is wrong */
    struct digest d = digest_of(buf_span(&text));
    auto_buf newest = BUF(DIGEST_TEXT_SIZE);
    if (db_meta_get(s->db, META_POLICY, &newest, e) < 0)
        return -1;
    bool is_before = span_equal_str(buf_span(&before), digest_text(&d).text);
    return is_before && !span_equal(buf_span(&before), buf_span(&newest)) ? policy_write(s, e) : 0;
}

int policy_load(struct site *s, struct policy *out, struct err *e)
{
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    if (complete(s, e) < 0 || file_read(s->dir, POLICY_FILE, &text, e) < 0)
        return -1;
    if (check_signed(s, buf_span(&text), e) < 0)
        return -1;
    return policy_parse(buf_span(&text), POLICY_FILE, out, e);
}

static int put_in_force(struct site *s, const struct digest *d, struct err *e)
{
    struct json_out w;
    auto_buf entry = BUF(LIMIT_LEDGER_ENTRY_BYTES);
    if (site_begin(s, e) < 0)
        return -1;
    site_event(s, &w, &entry, "policy-set");
    json_put_digest(&w, "policy", d);
    if (db_meta_set(s->db, META_POLICY, span_str(digest_text(d).text), e) == 0 && site_commit(s, &w, NULL, e) == 0)
        return 0;
    site_rollback(s);
    return -1;
}

int policy_sign(struct site *s, struct err *e)
{
    struct policy p;
    auto_buf text = BUF(LIMIT_YAML_BYTES), envelope = BUF(2U * LIMIT_YAML_BYTES);
    if (file_read(s->dir, POLICY_FILE, &text, e) < 0 || policy_parse(buf_span(&text), POLICY_FILE, &p, e) < 0)
        return -1;
    struct err absent = {0};
    if (check_signed(s, buf_span(&text), &absent) == 0)
        return 0;
    const struct private_key *key = site_key(s, e);
    if (!key || dsse_sign(POLICY_TYPE, buf_span(&text), key, &envelope, e) < 0 ||
        file_write(s->dir, POLICY_SIGNATURE, buf_span(&envelope), 0600, e) < 0)
        return -1;
    return put_in_force(s, &p.digest, e);
}

bool policy_exists(struct site *s)
{
    auto_buf newest = BUF(DIGEST_TEXT_SIZE);
    struct err none = {0};
    return db_meta_get(s->db, META_POLICY, &newest, &none) == 0;
}

int policy_install(struct site *s, struct err *e)
{
    if (faccessat(s->dir, POLICY_FILE, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
        file_write(s->dir, POLICY_FILE, span_str(POLICY_DEFAULT), 0600, e) < 0)
        return -1;
    return policy_sign(s, e);
}
