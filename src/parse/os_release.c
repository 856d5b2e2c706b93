#include "parse/os_release.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "parse/text.h"

#define LIMIT_OS_RELEASE_BYTES 65536U

static struct span trim(struct span s)
{
    while (s.len > 0 && isspace(s.ptr[0]))
        span_skip(&s, 1);
    while (s.len > 0 && isspace(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static bool take_line(struct span *s, struct span *line)
{
    if (s->len == 0)
        return false;
    if (!span_take_until(s, '\n', line)) {
        *line = *s;
        span_skip(s, s->len);
    }
    *line = trim(*line);
    return true;
}

/* Quotes of a shell: in '…' nothing is special, in "…" a backslash takes the next character as it is. */
static void unquote(struct span value, struct buf *out)
{
    uint8_t quote = value.len ? value.ptr[0] : 0;
    bool quoted = quote == '"' || quote == '\'';
    for (size_t i = quoted ? 1 : 0; i < value.len; i++) {
        if (quoted && value.ptr[i] == quote)
            return;
        if (value.ptr[i] == '\\' && quote != '\'' && i + 1 < value.len)
            i++;
        buf_add_byte(out, value.ptr[i]);
    }
}

void os_release_value(struct span file, const char *key, struct buf *out)
{
    struct span line, name;
    while (take_line(&file, &line)) {
        if (!span_take_until(&line, '=', &name) || !span_equal_str(name, key))
            continue;
        buf_clear(out); /* as in a shell, the last one counts */
        unquote(line, out);
    }
}

bool os_release_line(struct span line, const char **id, struct span *version)
{
    static const struct {
        const char *begin, *id;
    } known[] = {{"CentOS", "centos"},       {"Red Hat", "rhel"},           {"Rocky Linux", "rocky"},
                 {"AlmaLinux", "almalinux"}, {"Fedora", "fedora"},          {"Scientific Linux", "scientific"},
                 {"Oracle Linux", "ol"},     {"Amazon Linux", "amzn"},      {"cpe:/o:centos:linux:", "centos"},
                 {"cpe:/o:redhat:", "rhel"}, {"cpe:/o:oracle:linux:", "ol"}};
    line = trim(line);
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (!span_starts(line, span_str(known[i].begin)))
            continue;
        *id = known[i].id;
        while (line.len && !isdigit(line.ptr[0]))
            span_skip(&line, 1);
        *version = span_of(line.ptr, 0);
        while (version->len < line.len && (isdigit(line.ptr[version->len]) || line.ptr[version->len] == '.'))
            version->len++;
        return version->len > 0;
    }
    return false;
}

static void put_value(struct json_out *w, const char *key, struct span file, const char *name)
{
    auto_buf value = BUF(LIMIT_OS_RELEASE_BYTES);
    os_release_value(file, name, &value);
    if (value.len == 0)
        return;
    json_out_key(w, key);
    json_out_span(w, buf_span(&value));
}

static void put_assignments(struct span file, struct json_out *w)
{
    put_value(w, "id", file, "ID");
    put_value(w, "version_id", file, "VERSION_ID");
    put_value(w, "version_codename", file, "VERSION_CODENAME");
    put_value(w, "name", file, "NAME");
    put_value(w, "pretty_name", file, "PRETTY_NAME");
    put_value(w, "id_like", file, "ID_LIKE");
    put_value(w, "variant_id", file, "VARIANT_ID");
    put_value(w, "cpe", file, "CPE_NAME");
}

static bool put_line(struct span file, const char *path, struct json_out *w)
{
    const char *id;
    struct span version, line = trim(file);
    if (span_ends(span_str(path), SPAN_LIT("debian_version")) ||
        span_ends(span_str(path), SPAN_LIT("alpine-release"))) {
        id = span_ends(span_str(path), SPAN_LIT("debian_version")) ? "debian" : "alpine";
        version = line;
        if (version.len == 0 || !span_is_printable(version))
            return false;
    } else if (!os_release_line(line, &id, &version)) {
        return false;
    }
    json_put_string(w, "id", id);
    json_out_key(w, "version_id");
    json_out_span(w, version);
    return true;
}

void os_release_read(struct span file, struct inventory *v)
{
    struct json_out w;
    bool assignments = span_ends(span_str(v->path), SPAN_LIT("os-release"));
    if (file.len > LIMIT_OS_RELEASE_BYTES || !span_is_utf8(file) || (file.len && memchr(file.ptr, '\0', file.len))) {
        report_finding(v->r, SEVERITY_MEDIUM, "os-release", v->path,
                       "is no text of at most %u bytes: which system this is, it does not say", LIMIT_OS_RELEASE_BYTES);
        return;
    }
    buf_clear(&v->system_json);
    json_out_init(&w, &v->system_json);
    json_out_object(&w);
    if (assignments)
        put_assignments(file, &w);
    bool said = assignments ? v->system_json.len > 1 : put_line(file, v->path, &w);
    json_put_string(&w, "found", v->path);
    json_out_object_end(&w);
    if (!said)
        buf_clear(&v->system_json);
}
