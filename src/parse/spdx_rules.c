/* SPDX 2.2 and 2.3, clauses 6 to 12: identifiers and what refers to them, forms of dates, people, addresses, hashes and
 * licences, and what "files analyzed" promises. */
#include <stdio.h>
#include <string.h>

#include "parse/sbom_rules.h"
#include "parse/schema_text.h"
#include "parse/spdx_licence.h"
#include "util/auto.h"

/* What a document names. */
struct names {
    json_t *elements;  /* SPDXID of the document, its packages, files and snippets */
    json_t *documents; /* DocumentRef-… */
    json_t *licences;  /* LicenseRef-… */
};

static bool is(const char *text, const char *word)
{
    return text && strcmp(text, word) == 0;
}

static bool is_unknown(const char *text)
{
    return is(text, "NOASSERTION") || is(text, "NONE");
}

/* `prefix` and an idstring: letters, numbers, ".", "-" and those of `more`. */
static bool is_id(const char *text, const char *prefix, const char *more)
{
    size_t len = strlen(prefix);
    if (strncmp(text, prefix, len) != 0 || text[len] == '\0')
        return false;
    for (const char *c = text + len; *c; c++) {
        bool alnum = (*c >= '0' && *c <= '9') || ((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z');
        if (!alnum && *c != '.' && *c != '-' && !strchr(more, *c))
            return false;
    }
    return true;
}

/* ── forms of single fields ── */

/* Looks at the text object[key] if there is one. */
struct field {
    const json_t *object;
    struct place at;
    const char *text;
};

static bool field_of(struct field *f, const struct place *up, const json_t *object, const char *key)
{
    *f = (struct field){.object = object, .at = {.up = up, .key = key}};
    f->text = json_get_string(object, key, NULL);
    return f->text != NULL;
}

/* YYYY-MM-DDThh:mm:ssZ */
static void rule_date(const struct sbom_rules *r, const struct place *up, const json_t *object, const char *key)
{
    struct field f;
    if (field_of(&f, up, object, key) && (strlen(f.text) != 20 || f.text[10] != 'T' || f.text[19] != 'Z' ||
                                          !format_holds(SCHEMA_FORMAT_DATE_TIME, span_str(f.text))))
        problem_add(r->problems, &f.at, "date", "\"%.60s\"; wanted the form 2026-11-24T08:00:00Z", f.text);
}

/* "Person: NAME (MAIL)", "Organization: …", and where `tool` says so "Tool: …". */
static bool is_actor(const char *text, bool tool)
{
    static const char *const kinds[] = {"Person:", "Organization:", "Tool:"};
    for (size_t i = 0; i < ARRAY_LEN(kinds) - (tool ? 0 : 1); i++) {
        size_t len = strlen(kinds[i]);
        if (strncmp(text, kinds[i], len) == 0)
            return text[len + strspn(text + len, " ")] != '\0';
    }
    return false;
}

static void rule_actor(const struct sbom_rules *r, const struct place *up, const json_t *object, const char *key,
                       bool tool)
{
    struct field f;
    if (field_of(&f, up, object, key) && !(is(f.text, "NOASSERTION") && !tool) && !is_actor(f.text, tool))
        problem_add(r->problems, &f.at, "actor", "\"%.80s\"; wanted \"Person: NAME\"%s \"Organization: NAME\"%s",
                    f.text, tool ? "," : " or", tool ? " or \"Tool: NAME-VERSION\"" : ", or NOASSERTION");
}

static bool is_uri(const char *text)
{
    return format_holds(SCHEMA_FORMAT_URI, span_str(text));
}

/* A URI without a fragment: "#" stands between a document and its elements. */
static void rule_namespace(const struct sbom_rules *r, const struct place *up, const json_t *object, const char *key)
{
    struct field f;
    if (!field_of(&f, up, object, key))
        return;
    if (strchr(f.text, '#'))
        problem_add(r->problems, &f.at, "namespace", "\"%.120s\" has a \"#\", which may not stand in a namespace",
                    f.text);
    else if (!is_uri(f.text))
        problem_add(r->problems, &f.at, "namespace", "\"%.120s\" is no absolute URI", f.text);
}

/* URI, NONE or NOASSERTION. A place in a version control system may have the form git+git@HOST:PATH. */
static void rule_address(const struct sbom_rules *r, const struct place *up, const json_t *object, const char *key)
{
    struct field f;
    if (!field_of(&f, up, object, key) || is_unknown(f.text) || is_uri(f.text))
        return;
    if (is(key, "downloadLocation") && strncmp(f.text, "git+git@", 8) == 0 && !strchr(f.text, ' '))
        return;
    problem_add(r->problems, &f.at, "address", "\"%.120s\" is no URI; wanted one, NONE or NOASSERTION", f.text);
}

static void rule_checksum(const struct sbom_rules *r, const struct place *up, const json_t *checksum, void *arg)
{
    struct field f;
    const char *algorithm = json_get_string(checksum, "algorithm", "");
    size_t digits = sbom_hash_digits(algorithm);
    (void)arg;
    if (!field_of(&f, up, checksum, "checksumValue"))
        return;
    if (!sbom_is_hex(f.text, true))
        problem_add(r->problems, &f.at, "checksum", "\"%.140s\"; wanted lower-case hexadecimal digits", f.text);
    else if (digits && strlen(f.text) != digits)
        problem_add(r->problems, &f.at, "checksum", "%zu digits; %s has %zu", strlen(f.text), algorithm, digits);
}

/* ── licences ── */

struct licence_look {
    const struct sbom_rules *r;
    const struct names *names;
    const struct place *at;
};

/* A LicenseRef must be among hasExtractedLicensingInfos, a DocumentRef among externalDocumentRefs. */
static void rule_licence_word(void *arg, enum licence_word kind, struct span word)
{
    const struct licence_look *l = arg;
    struct span rest = word, document;
    bool outside = span_starts(word, SPAN_LIT("DocumentRef-")) && span_take_until(&rest, ':', &document);
    struct span name = outside ? document : word;
    const json_t *known = outside ? l->names->documents : l->names->licences;
    if (kind != LICENCE_REF || json_object_getn(known, (const char *)name.ptr, name.len))
        return;
    problem_add(l->r->problems, l->at, "licence-ref", "\"%.*s\" is not among %s",
                (int)(name.len < 100 ? name.len : 100), (const char *)name.ptr,
                outside ? "externalDocumentRefs" : "hasExtractedLicensingInfos");
}

static void check_licence(const struct sbom_rules *r, const struct names *names, const struct place *at,
                          const char *text)
{
    struct licence_look l = {.r = r, .names = names, .at = at};
    if (is_unknown(text))
        return;
    sbom_rule_licence(r->problems, at, text);
    spdx_licence_words(span_str(text), rule_licence_word, &l, NULL);
}

static void rule_licence(const struct sbom_rules *r, const struct names *names, const struct place *up,
                         const json_t *object, const char *key)
{
    struct field f;
    if (field_of(&f, up, object, key))
        check_licence(r, names, &f.at, f.text);
}

static void rule_licence_item(const struct sbom_rules *r, const struct place *at, const json_t *item, void *names)
{
    if (json_is_string(item))
        check_licence(r, names, at, json_string_value(item));
}

/* ── references ── */

/* An element of this document, or DocumentRef-X:SPDXRef-Y with a known DocumentRef. */
static bool is_element(const struct names *names, const char *id)
{
    const char *colon = strchr(id, ':');
    if (!colon)
        return json_object_get(names->elements, id) != NULL;
    return json_object_getn(names->documents, id, (size_t)(colon - id)) && is_id(colon + 1, "SPDXRef-", "");
}

static void need_element(const struct sbom_rules *r, const struct names *names, const struct place *at, const char *id,
                         bool may_be_unknown)
{
    if (!id || (may_be_unknown && is_unknown(id)) || is_element(names, id))
        return;
    problem_add(r->problems, at, "element-unknown", "\"%.120s\" is no element of this document%s", id,
                strchr(id, ':') ? ", and its DocumentRef is not among externalDocumentRefs" : "");
}

static void rule_element_item(const struct sbom_rules *r, const struct place *at, const json_t *item, void *names)
{
    need_element(r, names, at, json_string_value(item), false);
}

static void rule_element(const struct sbom_rules *r, const struct names *names, const struct place *up,
                         const json_t *object, const char *key, bool may_be_unknown)
{
    struct field f;
    if (field_of(&f, up, object, key))
        need_element(r, names, &f.at, f.text, may_be_unknown);
}

static void rule_relationship(const struct sbom_rules *r, const struct place *at, const json_t *item, void *names)
{
    rule_element(r, names, at, item, "spdxElementId", false);
    rule_element(r, names, at, item, "relatedSpdxElement", true);
}

/* ── what stands at every element ── */

static void rule_annotation(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg)
{
    (void)arg;
    rule_date(r, at, item, "annotationDate");
    rule_actor(r, at, item, "annotator", true);
}

static void rule_review(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg)
{
    (void)arg;
    rule_date(r, at, item, "reviewDate");
    rule_actor(r, at, item, "reviewer", true);
}

static void rule_common(const struct sbom_rules *r, const struct names *names, const struct place *at,
                        const json_t *item)
{
    rule_licence(r, names, at, item, "licenseConcluded");
    rule_licence(r, names, at, item, "licenseDeclared");
    sbom_each(r, at, item, "checksums", NULL, rule_checksum);
    sbom_each(r, at, item, "annotations", NULL, rule_annotation);
}

/* ── packages ── */

/* cpe:2.3:part:vendor:product:version:update:edition:language:sw_edition:target_sw:target_hw:other */
static bool is_cpe23(const char *text)
{
    size_t colons = 0;
    if (strncmp(text, "cpe:2.3:", 8) != 0 || !text[8] || !strchr("aho*-", text[8]))
        return false;
    for (const char *c = text; *c; c++) {
        if (*c == '\\' && c[1])
            c++; /* a quoted character, a colon too */
        else if (*c == ':')
            colons++;
    }
    return colons == 12;
}

static void rule_external(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg)
{
    struct field f;
    const char *type = json_get_string(item, "referenceType", "");
    (void)arg;
    if (!field_of(&f, at, item, "referenceLocator"))
        return;
    if (is(type, "purl"))
        sbom_rule_purl(r->problems, &f.at, f.text);
    else if (is(type, "cpe23Type") && !is_cpe23(f.text))
        problem_add(r->problems, &f.at, "cpe", "\"%.120s\" is no CPE 2.3 name", f.text);
    else if (is(type, "cpe22Type") && strncmp(f.text, "cpe:/", 5) != 0)
        problem_add(r->problems, &f.at, "cpe", "\"%.120s\" is no CPE 2.2 name", f.text);
    else if (!f.text[0] || f.text[strcspn(f.text, " \t\r\n")] != '\0')
        problem_add(r->problems, &f.at, "locator", "\"%.120s\"; a locator has no spaces", f.text);
}

/* Clauses 7.8, 7.9, 7.14. */
static void rule_analyzed(const struct sbom_rules *r, const struct place *up, const json_t *package)
{
    const json_t *analyzed = json_object_get(package, "filesAnalyzed");
    const json_t *code = json_object_get(package, "packageVerificationCode");
    struct place at = {.up = up, .key = "packageVerificationCode"}, where;
    struct field f;
    if (json_is_false(analyzed)) {
        if (code)
            problem_add(r->problems, &at, "files-analyzed", "may not stand where filesAnalyzed is false");
        where = (struct place){.up = up, .key = "hasFiles"};
        if (json_array_size(json_object_get(package, "hasFiles")) > 0)
            problem_add(r->problems, &where, "files-analyzed", "a package whose filesAnalyzed is false has no files");
        where.key = "licenseInfoFromFiles";
        if (json_array_size(json_object_get(package, "licenseInfoFromFiles")) > 0)
            problem_add(r->notes, &where, "files-analyzed", "is to be left out where filesAnalyzed is false");
    } else if (!code) {
        problem_add(analyzed ? r->problems : r->notes, up, "files-analyzed",
                    "filesAnalyzed %s, and packageVerificationCode is missing",
                    analyzed ? "is true" : "is left out, which means true");
    }
    if (field_of(&f, &at, code, "packageVerificationCodeValue") && (strlen(f.text) != 40 || !sbom_is_hex(f.text, true)))
        problem_add(r->problems, &f.at, "checksum", "\"%.60s\"; wanted 40 lower-case hexadecimal digits", f.text);
}

static void rule_package(const struct sbom_rules *r, const struct place *at, const json_t *p, void *arg)
{
    static const char *const dates[] = {"releaseDate", "builtDate", "validUntilDate"};
    struct names *names = arg;
    struct field f;
    if (field_of(&f, at, p, "name") && !f.text[0])
        problem_add(r->problems, &f.at, "name", "a package needs a name");
    rule_address(r, at, p, "downloadLocation");
    rule_address(r, at, p, "homepage");
    rule_actor(r, at, p, "supplier", false);
    rule_actor(r, at, p, "originator", false);
    for (size_t i = 0; i < ARRAY_LEN(dates); i++)
        rule_date(r, at, p, dates[i]);
    rule_common(r, names, at, p);
    rule_analyzed(r, at, p);
    sbom_each(r, at, p, "externalRefs", NULL, rule_external);
    sbom_each(r, at, p, "licenseInfoFromFiles", names, rule_licence_item);
    sbom_each(r, at, p, "hasFiles", names, rule_element_item);
}

/* ── files and snippets ── */

static void count_sha1(const struct sbom_rules *r, const struct place *at, const json_t *checksum, void *count)
{
    (void)r, (void)at;
    *(size_t *)count += is(json_get_string(checksum, "algorithm", NULL), "SHA1");
}

static void rule_file(const struct sbom_rules *r, const struct place *at, const json_t *file, void *arg)
{
    struct names *names = arg;
    struct place checksums = {.up = at, .key = "checksums"};
    struct field f;
    size_t sha1 = 0;
    if (field_of(&f, at, file, "fileName") && f.text[0] == '/')
        problem_add(r->notes, &f.at, "file-name", "\"%.120s\" is absolute; names are relative to the package", f.text);
    sbom_each(r, at, file, "checksums", &sha1, count_sha1);
    if (sha1 != 1 && json_is_array(json_object_get(file, "checksums")))
        problem_add(r->problems, &checksums, "checksum",
                    "%zu of SHA1; a file has exactly one, others may stand beside it", sha1);
    rule_common(r, names, at, file);
    sbom_each(r, at, file, "licenseInfoInFiles", names, rule_licence_item);
    sbom_each(r, at, file, "fileDependencies", names, rule_element_item);
}

/* One end of a range counts bytes ("offset") or lines ("lineNumber"). */
static void rule_order(const struct sbom_rules *r, const struct place *at, const json_t *start, const json_t *end,
                       const char *key)
{
    const json_t *from = json_object_get(start, key), *to = json_object_get(end, key);
    if (json_is_integer(from) && json_integer_value(from) < 1)
        problem_add(r->problems, at, "range", "begins at %lld; counting starts with 1", json_integer_value(from));
    else if (json_is_integer(from) && json_is_integer(to) && json_integer_value(from) > json_integer_value(to))
        problem_add(r->problems, at, "range", "begins at %lld and ends at %lld", json_integer_value(from),
                    json_integer_value(to));
}

static void rule_range(const struct sbom_rules *r, const struct place *at, const json_t *range, void *names)
{
    const json_t *start = json_object_get(range, "startPointer"), *end = json_object_get(range, "endPointer");
    struct place from = {.up = at, .key = "startPointer"}, to = {.up = at, .key = "endPointer"};
    rule_element(r, names, &from, start, "reference", false);
    rule_element(r, names, &to, end, "reference", false);
    rule_order(r, at, start, end, "offset");
    rule_order(r, at, start, end, "lineNumber");
}

static void rule_snippet(const struct sbom_rules *r, const struct place *at, const json_t *snippet, void *names)
{
    rule_element(r, names, at, snippet, "snippetFromFile", false);
    rule_common(r, names, at, snippet);
    sbom_each(r, at, snippet, "licenseInfoInSnippets", names, rule_licence_item);
    sbom_each(r, at, snippet, "ranges", names, rule_range);
}

/* ── the document ── */

/* Names each once, each of its form. */
static void name(const struct sbom_rules *r, const struct place *at, const char *id, json_t *known, const char *prefix,
                 const char *more)
{
    if (!is_id(id, prefix, more))
        problem_add(r->problems, at, "identifier", "\"%.80s\"; wanted %s and letters, numbers, \".\" or \"-\"%s", id,
                    prefix, more[0] ? " or \"+\"" : "");
    if (json_object_get(known, id))
        problem_add(r->problems, at, "identifier-unique", "\"%.80s\" stands for something else already", id);
    json_object_set_new(known, id, json_true());
}

static void name_element(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg)
{
    struct names *names = arg;
    struct field f;
    if (field_of(&f, at, item, "SPDXID"))
        name(r, &f.at, f.text, names->elements, "SPDXRef-", "");
}

static void name_licence(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg)
{
    struct names *names = arg;
    struct field f;
    if (field_of(&f, at, item, "licenseId"))
        name(r, &f.at, f.text, names->licences, "LicenseRef-", "");
}

static void name_document(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg)
{
    struct names *names = arg;
    struct field f;
    if (field_of(&f, at, item, "externalDocumentId"))
        name(r, &f.at, f.text, names->documents, "DocumentRef-", "+");
    rule_namespace(r, at, item, "spdxDocument");
    struct place checksum = {.up = at, .key = "checksum"};
    rule_checksum(r, &checksum, json_object_get(item, "checksum"), NULL);
}

static void rule_creator(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg)
{
    (void)arg;
    if (json_is_string(item) && !is_actor(json_string_value(item), true))
        problem_add(r->problems, at, "actor",
                    "\"%.80s\"; wanted \"Person: NAME\", \"Organization: NAME\" or \"Tool: NAME-VERSION\"",
                    json_string_value(item));
}

/* M.N, or M.N.P as the list itself is numbered today. */
static bool is_version(const char *text)
{
    size_t numbers = 0;
    for (size_t len; (len = strspn(text, "0123456789")) > 0; text += text[len] == '.' ? len + 1 : len) {
        numbers++;
        if (text[len] == '\0')
            return numbers >= 2;
    }
    return false;
}

static void rule_creation(const struct sbom_rules *r, const struct place *up, const json_t *root)
{
    const json_t *creation = json_object_get(root, "creationInfo");
    struct place at = {.up = up, .key = "creationInfo"};
    struct field f;
    rule_date(r, &at, creation, "created");
    sbom_each(r, &at, creation, "creators", NULL, rule_creator);
    if (field_of(&f, &at, creation, "licenseListVersion") && !is_version(f.text))
        problem_add(r->problems, &f.at, "licence-list", "\"%.40s\"; wanted the form 3.28", f.text);
}

struct describes {
    size_t count;
};

static void count_describes(const struct sbom_rules *r, const struct place *at, const json_t *item, void *arg)
{
    const char *type = json_get_string(item, "relationshipType", "");
    const char *from = json_get_string(item, "spdxElementId", ""),
               *to = json_get_string(item, "relatedSpdxElement", "");
    struct describes *d = arg;
    (void)r, (void)at;
    d->count += (is(type, "DESCRIBES") && is(from, "SPDXRef-DOCUMENT")) ||
                (is(type, "DESCRIBED_BY") && is(to, "SPDXRef-DOCUMENT"));
}

/* Clause 11.1, DESCRIBES: must be there when there is more than one package, or files that are in none. */
static void rule_describes(const struct sbom_rules *r, const struct place *at, const json_t *root)
{
    struct describes d = {.count = json_array_size(json_object_get(root, "documentDescribes"))};
    size_t packages = json_array_size(json_object_get(root, "packages"));
    size_t files = json_array_size(json_object_get(root, "files"));
    sbom_each(r, at, root, "relationships", &d, count_describes);
    if (d.count == 0 && (packages > 1 || (packages == 0 && files > 0)))
        problem_add(r->problems, at, "describes",
                    "nothing says what the document describes; wanted a relationship DESCRIBES of SPDXRef-DOCUMENT");
}

static void rule_document(const struct sbom_rules *r, const struct place *at, const json_t *root, struct names *names)
{
    struct field f;
    if (field_of(&f, at, root, "dataLicense") && !is(f.text, "CC0-1.0"))
        problem_add(r->problems, &f.at, "data-licence", "\"%.60s\"; wanted \"CC0-1.0\"", f.text);
    if (field_of(&f, at, root, "SPDXID") && !is(f.text, "SPDXRef-DOCUMENT"))
        problem_add(r->problems, &f.at, "identifier", "\"%.80s\"; wanted \"SPDXRef-DOCUMENT\"", f.text);
    json_object_set_new(names->elements, "SPDXRef-DOCUMENT", json_true());
    rule_namespace(r, at, root, "documentNamespace");
    rule_creation(r, at, root);
    rule_describes(r, at, root);
}

void spdx_rules(const struct sbom_rules *r)
{
    struct place at = {0};
    auto_json elements = json_object();
    auto_json documents = json_object();
    auto_json licences = json_object();
    struct names names = {.elements = elements, .documents = documents, .licences = licences};
    rule_document(r, &at, r->root, &names);
    sbom_each(r, &at, r->root, "externalDocumentRefs", &names, name_document);
    sbom_each(r, &at, r->root, "hasExtractedLicensingInfos", &names, name_licence);
    sbom_each(r, &at, r->root, "packages", &names, name_element);
    sbom_each(r, &at, r->root, "files", &names, name_element);
    sbom_each(r, &at, r->root, "snippets", &names, name_element);
    sbom_each(r, &at, r->root, "packages", &names, rule_package);
    sbom_each(r, &at, r->root, "files", &names, rule_file);
    sbom_each(r, &at, r->root, "snippets", &names, rule_snippet);
    sbom_each(r, &at, r->root, "relationships", &names, rule_relationship);
    sbom_each(r, &at, r->root, "documentDescribes", &names, rule_element_item);
    sbom_each(r, &at, r->root, "annotations", NULL, rule_annotation);
    sbom_each(r, &at, r->root, "revieweds", NULL, rule_review);
}
