/* SPDX 2.3 JSON. Every component is a package: SPDX asks for a SHA-1 of what it calls a file, which we do not compute.
 * What SPDX has no field for (where found, properties, the model's card) stands in comments. */
#include <stdio.h>
#include <string.h>

#include "parse/spdx_licence.h"
#include "ship/sbom_internal.h"
#include "util/json.h"
#include "version.h"

/* LicenseRef-… of all components together. */
#define REFS_MAX (1U << 20)

#define COMMENT_MAX (1U << 20)

static void put_optional(struct json_out *w, const char *key, const char *value)
{
    if (value)
        json_put_string(w, key, value);
}

#define ID_SIZE 40

/* SPDXRef-subject, SPDXRef-part-1 … */
static void id_of(size_t number, char id[ID_SIZE])
{
    snprintf(id, ID_SIZE, number ? "SPDXRef-part-%zu" : "SPDXRef-subject", number);
}

/* CycloneDX says "SHA-256", SPDX "SHA256"; the other names are the same. */
static void put_checksum(struct json_out *w, const char *alg, const char *content)
{
    char name[32];
    bool sha = strncmp(alg, "SHA-", 4) == 0;
    snprintf(name, sizeof name, "%s%s", sha ? "SHA" : alg, sha ? alg + 4 : "");
    json_out_object(w);
    json_put_string(w, "algorithm", name);
    json_put_string(w, "checksumValue", content);
    json_out_object_end(w);
}

static void put_checksums(struct json_out *w, const struct sbom_component *c)
{
    if (!c->digest && !c->hash_count)
        return;
    json_put_array(w, "checksums");
    if (c->digest)
        put_checksum(w, "SHA-256", digest_hex(c->digest).text);
    for (size_t i = 0; i < c->hash_count; i++)
        put_checksum(w, c->hashes[i].alg, c->hashes[i].content);
    json_out_array_end(w);
}

static void put_reference(struct json_out *w, const char *category, const char *type, const char *locator)
{
    if (!locator)
        return;
    json_out_object(w);
    json_put_string(w, "referenceCategory", category);
    json_put_string(w, "referenceType", type);
    json_put_string(w, "referenceLocator", locator);
    json_out_object_end(w);
}

static void put_references(struct json_out *w, const struct sbom_component *c)
{
    if (!c->purl && !c->cpe)
        return;
    json_put_array(w, "externalRefs");
    put_reference(w, "PACKAGE-MANAGER", "purl", c->purl);
    put_reference(w, "SECURITY", "cpe23Type", c->cpe);
    json_out_array_end(w);
}

static bool fits(const char *licence)
{
    return licence && !strstr(licence, "DocumentRef-") && spdx_licence_check(span_str(licence), NULL);
}

static void put_licence(struct json_out *w, const struct sbom_component *c)
{
    json_put_string(w, "licenseConcluded", fits(c->concluded) ? c->concluded : "NOASSERTION");
    json_put_string(w, "licenseDeclared", fits(c->licence) ? c->licence : "NOASSERTION");
    if (c->licence && !fits(c->licence))
        json_put_string(w, "licenseComments", c->licence);
}

static const char *purpose(const char *type)
{
    static const char *const purposes[][2] = {
        {"application", "APPLICATION"}, {"library", "LIBRARY"},   {"framework", "FRAMEWORK"},
        {"container", "CONTAINER"},     {"file", "FILE"},         {"operating-system", "OPERATING_SYSTEM"},
        {"device", "DEVICE"},           {"firmware", "FIRMWARE"},
    };
    for (size_t i = 0; i < sizeof purposes / sizeof *purposes; i++)
        if (strcmp(type, purposes[i][0]) == 0)
            return purposes[i][1];
    return "OTHER";
}

static void comment_line(struct buf *out, const char *name, const char *value)
{
    if (value)
        buf_printf(out, "%s%s: %s", out->len ? "\n" : "", name, value);
}

static void put_comment(struct json_out *w, const struct sbom_component *c)
{
    char size[24];
    auto_buf text = BUF(COMMENT_MAX);
    comment_line(&text, "airlock:part", c->part);
    if (c->digest) {
        snprintf(size, sizeof size, "%llu", (unsigned long long)c->size);
        comment_line(&text, "airlock:size", size);
    }
    for (size_t i = 0; i < c->property_count; i++)
        comment_line(&text, c->properties[i].name, c->properties[i].value);
    if (c->model) {
        comment_line(&text, "task", c->model->task);
        comment_line(&text, "architecture family", c->model->architecture_family);
        comment_line(&text, "architecture", c->model->architecture);
        for (size_t i = 0; i < c->model->dataset_count; i++)
            comment_line(&text, "dataset", c->model->datasets[i]);
    }
    if (text.len)
        json_put_string(w, "comment", buf_str(&text));
}

static void put_source(struct json_out *w, const struct sbom_component *c)
{
    auto_buf text = BUF(COMMENT_MAX);
    for (size_t i = 0; i < c->found_count; i++)
        comment_line(&text, "found at", c->found[i]);
    for (size_t i = 0; i < c->identity_count; i++)
        if (c->identities[i].value)
            buf_printf(&text, "%s%s known by %s: %s", text.len ? "\n" : "", c->identities[i].field,
                       c->identities[i].technique, c->identities[i].value);
    if (text.len)
        json_put_string(w, "sourceInfo", buf_str(&text));
}

static void put_supplier(struct json_out *w, const char *supplier)
{
    auto_buf text = BUF(4096);
    if (!supplier)
        return;
    buf_printf(&text, "Organization: %s", supplier);
    json_put_string(w, "supplier", buf_str(&text));
}

static void put_name(struct json_out *w, const struct sbom_component *c)
{
    auto_buf text = BUF(65536);
    buf_printf(&text, "%s%s%s", c->group ? c->group : "", c->group ? "/" : "", c->name);
    json_put_string(w, "name", buf_str(&text));
}

static void put_package(struct json_out *w, const struct sbom *s, size_t number)
{
    const struct sbom_component *c = number ? &s->components[number - 1] : &s->subject;
    char id[ID_SIZE];
    id_of(number, id);
    json_out_object(w);
    json_put_string(w, "SPDXID", id);
    put_name(w, c);
    put_optional(w, "versionInfo", c->version);
    put_supplier(w, number ? c->supplier : s->supplier);
    json_put_string(w, "downloadLocation", "NOASSERTION");
    json_put_bool(w, "filesAnalyzed", false);
    put_checksums(w, c);
    put_licence(w, c);
    json_put_string(w, "copyrightText", "NOASSERTION");
    put_optional(w, "description", c->description);
    put_references(w, c);
    json_put_string(w, "primaryPackagePurpose", purpose(c->type));
    put_source(w, c);
    put_comment(w, c);
    json_out_object_end(w);
}

/* ── licences of somebody's own ── */

/* Every LicenseRef of an expression, each once, one a line. */
static void gather(void *arg, enum licence_word kind, struct span word)
{
    struct buf *refs = arg;
    struct span rest = buf_span(refs), line;
    if (kind != LICENCE_REF || span_starts(word, SPAN_LIT("DocumentRef-")))
        return;
    while (span_take_until(&rest, '\n', &line))
        if (span_equal(line, word))
            return;
    buf_add_span(refs, word);
    buf_add_byte(refs, '\n');
}

static int put_extracted(struct json_out *w, const struct sbom *s, struct err *e)
{
    auto_buf refs = BUF(REFS_MAX);
    struct span rest, line;
    for (size_t i = 0; i <= s->count; i++) {
        const struct sbom_component *c = i ? &s->components[i - 1] : &s->subject;
        const char *both[] = {c->licence, c->concluded};
        for (size_t k = 0; k < 2; k++)
            if (both[k] && spdx_licence_check(span_str(both[k]), NULL))
                spdx_licence_words(span_str(both[k]), gather, &refs, NULL);
    }
    rest = buf_span(&refs);
    if (refs.len)
        json_put_array(w, "hasExtractedLicensingInfos");
    while (span_take_until(&rest, '\n', &line)) {
        json_out_object(w);
        json_out_key(w, "licenseId");
        json_out_span(w, line);
        json_put_string(w, "extractedText", "NOASSERTION");
        json_out_object_end(w);
    }
    if (refs.len)
        json_out_array_end(w);
    return buf_check(&refs, "licences of the inventory", e);
}

/* ── the document ── */

static void put_relationship(struct json_out *w, const char *from, const char *type, const char *to)
{
    json_out_object(w);
    json_put_string(w, "spdxElementId", from);
    json_put_string(w, "relationshipType", type);
    json_put_string(w, "relatedSpdxElement", to);
    json_out_object_end(w);
}

static void put_relationships(struct json_out *w, const struct sbom *s)
{
    char from[ID_SIZE], to[ID_SIZE];
    json_put_array(w, "relationships");
    id_of(0, from);
    put_relationship(w, "SPDXRef-DOCUMENT", "DESCRIBES", from);
    for (size_t i = 0; i < s->count; i++) {
        id_of(i + 1, to);
        put_relationship(w, from, "CONTAINS", to);
    }
    for (size_t i = 0; i < s->count; i++)
        for (size_t k = 0; k < s->components[i].needs_count; k++) {
            id_of(i + 1, from);
            id_of(s->components[i].needs[k] + 1, to);
            put_relationship(w, from, "DEPENDS_ON", to);
        }
    json_out_array_end(w);
}

int sbom_write_spdx(const struct sbom *s, struct buf *out, struct err *e)
{
    struct json_out w;
    char serial[SBOM_SERIAL_SIZE];
    sbom_serial(&s->seed, serial);
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "spdxVersion", "SPDX-2.3");
    json_put_string(&w, "dataLicense", "CC0-1.0");
    json_put_string(&w, "SPDXID", "SPDXRef-DOCUMENT");
    json_put_string(&w, "name", s->subject.name);
    json_put_string(&w, "documentNamespace", serial);
    json_put_object(&w, "creationInfo");
    json_put_time(&w, "created", s->time_s < 0 ? 0 : s->time_s);
    json_put_array(&w, "creators");
    json_out_string(&w, "Tool: airlock-" AIRLOCK_VERSION);
    json_out_array_end(&w);
    json_out_object_end(&w);
    put_optional(&w, "comment", s->comment);
    json_put_array(&w, "packages");
    for (size_t i = 0; i <= s->count; i++)
        put_package(&w, s, i);
    json_out_array_end(&w);
    if (put_extracted(&w, s, e) < 0)
        return -1;
    put_relationships(&w, s);
    json_out_object_end(&w);
    return buf_check(out, "inventory", e);
}
