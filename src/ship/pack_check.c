/* A look at what a release would hold, before any of it is stored. The parse process reads each file under the name
 * that the scanner of a contour gives it, so that both say the same; only what a policy can still allow (a chat
 * template) and what no scanner reads yet is a remark. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "parse/report.h"
#include "ship/pack_internal.h"
#include "ship/prompts.h"
#include "util/file.h"
#include "util/limits.h"

/* Weights are read by their header; a text of a few KiB is read whole. */
#define INSPECT_TIMEOUT_MS 300000
#define SUITE_TIMEOUT_MS   10000

struct check {
    struct packing *p;
    struct child *parser;
    struct pack_result *out;
};

/* A text of a file as a terminal may have it. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
            *text = '?';
}

/* "release.yaml:9: model: tiny.gguf" */
static int refuse(const struct check *c, const struct yaml *key, const char *part, const char *file, const char *what,
                  struct err *e)
{
    char shown[400];
    snprintf(shown, sizeof shown, "%s", what);
    make_printable(shown);
    return err_set(e, ERR_INPUT, 0, "%s:%u: %s: %.200s: %s", c->p->name, key ? key->line : 0, part, file, shown);
}

void pack_remark(struct pack_result *out, const char *format, ...)
{
    va_list args;
    if (out->remark_count == PACK_REMARKS_MAX)
        return;
    char *to = out->remarks[out->remark_count++];
    va_start(args, format);
    vsnprintf(to, sizeof *out->remarks, format, args);
    va_end(args);
    make_printable(to);
}

static json_t *inspect(struct check *c, int fd, const char *name, struct err *e)
{
    struct json_out w;
    auto_buf arg = BUF(4096);
    json_out_init(&w, &arg);
    json_out_object(&w);
    json_put_string(&w, "name", name);
    json_out_object_end(&w);
    struct child_request request = {.op = "inspect", .fd = fd, .arg = buf_span(&arg), .timeout_ms = INSPECT_TIMEOUT_MS};
    return child_call_json(c->parser, &request, name, e);
}

void pack_say_finding(const json_t *reply, char *out, size_t size)
{
    const json_t *finding;
    size_t i;
    snprintf(out, size, "its content is wrong");
    json_array_foreach(json_object_get(reply, "findings"), i, finding)
    {
        const char *severity = json_get_string(finding, "severity", "");
        const char *at = json_get_string(finding, "at", "");
        if (strcmp(severity, "info") == 0 || strcmp(severity, "low") == 0)
            continue;
        snprintf(out, size, "%.120s%s%.240s", at, *at ? ": " : "", json_get_string(finding, "message", ""));
        make_printable(out);
        return;
    }
}

static void remark_templates(struct check *c, const json_t *reply)
{
    const json_t *template;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(reply, "facts"), "templates"), i, template)
    {
        struct digest id;
        if (json_is_true(json_object_get(template, "allowed")) ||
            !digest_from_hex(span_str(json_get_string(template, "sha256", "")), &id))
            continue;
        pack_remark(c->out,
                    "the chat template %s does what chat templates may not do: a contour will not admit this release "
                    "until people have read the template and put its digest into `templates` of policy.yaml",
                    digest_text(&id).text);
    }
}

/* A template that does too much may still be one that the people of a contour have read and listed, and a program
 * beside weights one that they waive. */
static bool is_for_people_to_read(const json_t *reply)
{
    const json_t *finding;
    size_t i;
    json_array_foreach(json_object_get(reply, "findings"), i, finding)
    {
        const char *severity = json_get_string(finding, "severity", "");
        bool light = strcmp(severity, "info") == 0 || strcmp(severity, "low") == 0;
        const char *rule = json_get_string(finding, "rule", "");
        if (!light && !span_starts(span_str(rule), SPAN_LIT("template-")) && strcmp(rule, "loader-code") != 0)
            return false;
    }
    return true;
}

/* Looks at one file under `name`; *reply (caller frees) is what was found. */
static int look(struct check *c, const struct yaml *key, const char *part, const char *file, const char *name, int fd,
                json_t **reply, struct err *e)
{
    enum verdict verdict;
    char what[400];
    *reply = inspect(c, fd, name, e);
    if (!*reply)
        return err_prefix(e, "%s:%u: %s: %.200s", c->p->name, key->line, part, file);
    pack_say_finding(*reply, what, sizeof what);
    if (!verdict_from_name(json_get_string(*reply, "verdict", ""), &verdict))
        return err_set(e, ERR_UNDECIDED, 0, "%s: the parse process gave no verdict", file);
    if (verdict == VERDICT_NOT_SCANNED)
        pack_remark(c->out, "a contour does not admit what no scanner has read to its end: %.80s: %s", file, what);
    remark_templates(c, *reply);
    if (verdict == VERDICT_SUSPICIOUS && is_for_people_to_read(*reply)) {
        pack_remark(c->out, "a contour admits this only when its people list or waive it: %.80s: %s", file, what);
        return 0;
    }
    return verdict > VERDICT_NOT_SCANNED ? refuse(c, key, part, file, what, e) : 0;
}

/* ── the weights ── */

/* Nothing that a person reads or that is empty is a model. */
static bool is_no_model(const char *format)
{
    static const char *const none[] = {"empty", "text", "config", "script", "json",
                                       "jsonl", "yaml", "jinja",  "picture"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        if (strcmp(format, none[i]) == 0)
            return true;
    return false;
}

static int check_model(struct check *c, struct err *e)
{
    const struct pack_spec *s = &c->p->spec;
    const struct yaml *key = yaml_get(yaml_get(s->root, "model"), "file");
    uint64_t size;
    auto_fd fd = packing_open(c->p, "model", s->model_file, &size, e);
    if (fd < 0)
        return -1;
    if (size == 0)
        return refuse(c, key, "model", s->model_file, "is empty (0 bytes); wanted the weights", e);
    auto_json reply = NULL;
    if (look(c, key, "model", s->model_file, packing_name(s->model_file), fd, &reply, e) < 0)
        return -1;
    const char *format = json_get_string(reply, "format", "");
    if (is_no_model(format)) {
        char what[80];
        snprintf(what, sizeof what, "holds %.20s; wanted weights, as GGUF or safetensors", format);
        return refuse(c, key, "model", s->model_file, what, e);
    }
    return 0;
}

/* What lies beside the weights is read as it will be read in the contour. */
static int check_model_files(struct check *c, struct err *e)
{
    const struct yaml *files = yaml_get(yaml_get(c->p->spec.root, "model"), "files");
    for (size_t i = 0; i < c->p->spec.model_file_count; i++) {
        const struct pack_file *f = &c->p->spec.model_files[i];
        uint64_t size;
        auto_fd fd = packing_open(c->p, "model", f->file, &size, e);
        auto_json reply = NULL;
        if (fd < 0 || look(c, yaml_get(files, f->path), "model", f->file, packing_name(f->path), fd, &reply, e) < 0)
            return -1;
    }
    return 0;
}

/* ── the texts ── */

static int check_suite(struct check *c, struct span text, const char *file, struct err *e)
{
    struct child_request request = {
        .op = "suite", .fd = -1, .input = text, .arg = span_str(file), .timeout_ms = SUITE_TIMEOUT_MS};
    auto_json suite = child_call_json(c->parser, &request, file, e);
    return suite ? 0 : -1;
}

static int check_prompts(struct check *c, struct span text, const char *file, struct err *e)
{
    auto_prompts prompts;
    return prompts_parse(c->parser, text, file, &prompts, e);
}

static int check_text(struct check *c, const char *part, const char *file, const char *name,
                      int (*parse)(struct check *, struct span, const char *, struct err *), struct err *e)
{
    const struct yaml *key = yaml_get(c->p->spec.root, part);
    auto_buf text = BUF(LIMIT_YAML_BYTES);
    auto_json reply = NULL;
    auto_fd fd = packing_open(c->p, part, file, NULL, e);
    if (fd < 0)
        return -1;
    if (file_read_fd(fd, file, &text, e) < 0 || (parse && parse(c, buf_span(&text), file, e) < 0))
        return -1;
    return look(c, key, part, file, name, fd, &reply, e);
}

static int check_texts(struct check *c, struct err *e)
{
    const struct pack_spec *s = &c->p->spec;
    if (check_text(c, "prompts", s->prompts, "prompts.yaml", check_prompts, e) < 0 ||
        check_text(c, "suite", s->suite, "suite.yaml", check_suite, e) < 0 ||
        check_text(c, "card", s->card, "text.md", NULL, e) < 0 ||
        check_text(c, "licence", s->licence, "text.txt", NULL, e) < 0)
        return -1;
    return check_text(c, "changes", s->changes, "text.md", NULL, e);
}

/* ── the program ── */

/* A file keeps its mode in the image. */
static int check_mode(struct check *c, const struct pack_file *file, struct err *e)
{
    struct stat st;
    if (fstatat(c->p->dir, file->file, &st, 0) < 0)
        return err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, errno, "%s:%u: engine: files: %s", c->p->name,
                       file->line, file->file);
    if (st.st_mode & S_IXUSR)
        return 0;
    err_set(e, ERR_INPUT, 0, "%s:%u: engine: files: %s is the program of the command, and is not executable",
            c->p->name, file->line, file->file);
    return err_hint(e, "`chmod +x` makes it so");
}

/* What the command starts is in the image. What an OCI layout brings along is seen when it starts. */
static int check_program(struct check *c, struct err *e)
{
    const struct pack_spec *s = &c->p->spec;
    const struct yaml *command = yaml_get(yaml_get(s->root, "engine"), "command");
    struct span rest = span_str(s->command[0]);
    for (size_t i = 0; i < s->file_count; i++)
        if (strcmp(s->files[i].path, s->command[0] + 1) == 0)
            return check_mode(c, &s->files[i], e);
    if (s->image ||
        (span_take_prefix(&rest, SPAN_LIT("/engine/")) && span_equal(rest, span_str(packing_name(s->program)))))
        return 0;
    err_set(e, ERR_INPUT, 0, "%s:%u: engine: command: the image holds no %.100s", c->p->name, command->items[0]->line,
            s->command[0]);
    return err_hint(e, "The program lies at /engine/%.100s, and each of files: at its own path",
                    packing_name(s->program));
}

static int check_all(struct check *c, struct err *e)
{
    return check_model(c, e) < 0 || check_model_files(c, e) < 0 || check_program(c, e) < 0 ? -1 : check_texts(c, e);
}

int pack_check(struct packing *p, struct child *parser, struct pack_result *out, struct err *e)
{
    struct check c = {.p = p, .parser = parser, .out = out};
    struct err why = {0};
    if (check_all(&c, &why) == 0)
        return 0;
    if (!p->unchecked || why.code != ERR_INPUT) {
        *e = why;
        return -1;
    }
    pack_remark(out, "no contour will admit this: %s", why.msg);
    return 0;
}
