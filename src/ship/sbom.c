#include "ship/sbom_internal.h"

#include <stdio.h>
#include <string.h>

#include "parse/spdx_licence.h"
#include "util/json.h"
#include "version.h"

/* A UUID of version 8 (RFC 9562 section 5.8: bits of our own) out of a digest. */
void sbom_serial(const struct digest *seed, char text[SBOM_SERIAL_SIZE])
{
    uint8_t b[16];
    memcpy(b, seed->bytes, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x80);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(text, SBOM_SERIAL_SIZE, "urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
}

static void put_property(struct json_out *w, const char *name, const char *value)
{
    json_out_object(w);
    json_put_string(w, "name", name);
    json_put_string(w, "value", value);
    json_out_object_end(w);
}

static void put_optional(struct json_out *w, const char *key, const char *value)
{
    if (value)
        json_put_string(w, key, value);
}

static void put_hash(struct json_out *w, const char *alg, const char *content)
{
    json_out_object(w);
    json_put_string(w, "alg", alg);
    json_put_string(w, "content", content);
    json_out_object_end(w);
}

static void put_hashes(struct json_out *w, const struct sbom_component *c)
{
    if (!c->digest && !c->hash_count)
        return;
    json_put_array(w, "hashes");
    if (c->digest)
        put_hash(w, "SHA-256", digest_hex(c->digest).text);
    for (size_t i = 0; i < c->hash_count; i++)
        put_hash(w, c->hashes[i].alg, c->hashes[i].content);
    json_out_array_end(w);
}

static bool is_as_declared(const struct sbom_component *c)
{
    return c->licence && strcmp(c->licence, c->concluded) == 0;
}

/* The one that was concluded stands in the place of the one that was declared, which is then a property. */
static void put_licence(struct json_out *w, const struct sbom_component *c)
{
    const char *licence = c->concluded ? c->concluded : c->licence;
    if (!licence)
        return;
    json_put_array(w, "licenses");
    json_out_object(w);
    if (spdx_licence_check(span_str(licence), NULL)) {
        json_put_string(w, "expression", licence);
        if (c->concluded)
            json_put_string(w, "acknowledgement", is_as_declared(c) ? "declared" : "concluded");
    } else {
        json_put_object(w, "license");
        json_put_string(w, "name", licence);
        json_out_object_end(w);
    }
    json_out_object_end(w);
    json_out_array_end(w);
}

static void put_properties(struct json_out *w, const struct sbom_component *c)
{
    char size[24];
    bool declared = c->concluded && c->licence && !is_as_declared(c);
    if (!c->part && !c->digest && !c->property_count && !declared)
        return;
    json_put_array(w, "properties");
    if (declared)
        put_property(w, "airlock:licence-declared", c->licence);
    if (c->part)
        put_property(w, "airlock:part", c->part);
    if (c->digest) {
        snprintf(size, sizeof size, "%llu", (unsigned long long)c->size);
        put_property(w, "airlock:size", size);
    }
    for (size_t i = 0; i < c->property_count; i++)
        put_property(w, c->properties[i].name, c->properties[i].value);
    json_out_array_end(w);
}

/* A share of 1, from percent. */
static void put_confidence(struct json_out *w, unsigned percent)
{
    json_out_key(w, "confidence");
    json_out_double(w, (double)percent / 100, 2);
}

static void put_identity(struct json_out *w, const struct sbom_identity *id)
{
    json_out_object(w);
    json_put_string(w, "field", id->field);
    put_confidence(w, id->confidence);
    json_put_array(w, "methods");
    json_out_object(w);
    json_put_string(w, "technique", id->technique);
    put_confidence(w, id->confidence);
    put_optional(w, "value", id->value);
    json_out_object_end(w);
    json_out_array_end(w);
    json_out_object_end(w);
}

static void put_evidence(struct json_out *w, const struct sbom_component *c)
{
    if (!c->found_count && !c->identity_count)
        return;
    json_put_object(w, "evidence");
    if (c->identity_count)
        json_put_array(w, "identity");
    for (size_t i = 0; i < c->identity_count; i++)
        put_identity(w, &c->identities[i]);
    if (c->identity_count)
        json_out_array_end(w);
    if (c->found_count)
        json_put_array(w, "occurrences");
    for (size_t i = 0; i < c->found_count; i++) {
        json_out_object(w);
        json_put_string(w, "location", c->found[i]);
        json_out_object_end(w);
    }
    if (c->found_count)
        json_out_array_end(w);
    json_out_object_end(w);
}

/* modelParameters.inputs and outputs: one format each. */
static void put_format(struct json_out *w, const char *key, const char *format)
{
    if (!format)
        return;
    json_put_array(w, key);
    json_out_object(w);
    json_put_string(w, "format", format);
    json_out_object_end(w);
    json_out_array_end(w);
}

static void put_datasets(struct json_out *w, const struct sbom_model *m)
{
    if (!m->dataset_count)
        return;
    json_put_array(w, "datasets");
    for (size_t i = 0; i < m->dataset_count; i++) {
        json_out_object(w);
        json_put_string(w, "type", "dataset");
        json_put_string(w, "name", m->datasets[i]);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

static void put_model(struct json_out *w, const struct sbom_model *m)
{
    if (!m)
        return;
    json_put_object(w, "modelCard");
    json_put_object(w, "modelParameters");
    put_optional(w, "task", m->task);
    put_optional(w, "architectureFamily", m->architecture_family);
    put_optional(w, "modelArchitecture", m->architecture);
    put_datasets(w, m);
    put_format(w, "inputs", m->input);
    put_format(w, "outputs", m->output);
    json_out_object_end(w);
    json_out_object_end(w);
}

/* Numbers count from 1; 0 is the subject. */
static void put_ref(struct json_out *w, const struct sbom *s, size_t number)
{
    char made[32];
    const char *ref = number ? s->components[number - 1].ref : s->subject.ref;
    snprintf(made, sizeof made, "part-%zu", number);
    json_out_string(w, ref ? ref : number ? made : "subject");
}

static void put_component(struct json_out *w, const struct sbom *s, size_t number)
{
    const struct sbom_component *c = number ? &s->components[number - 1] : &s->subject;
    const char *supplier = number ? c->supplier : s->supplier;
    json_out_object(w);
    json_put_string(w, "type", c->type);
    json_out_key(w, "bom-ref");
    put_ref(w, s, number);
    if (supplier) {
        json_put_object(w, "supplier");
        json_put_string(w, "name", supplier);
        json_out_object_end(w);
    }
    put_optional(w, "group", c->group);
    json_put_string(w, "name", c->name);
    put_optional(w, "version", c->version);
    put_optional(w, "description", c->description);
    put_hashes(w, c);
    put_licence(w, c);
    put_optional(w, "cpe", c->cpe);
    put_optional(w, "purl", c->purl);
    put_properties(w, c);
    put_evidence(w, c);
    put_model(w, c->model);
    json_out_object_end(w);
}

static void put_metadata(struct json_out *w, const struct sbom *s)
{
    json_put_object(w, "metadata");
    if (s->time_s >= 0)
        json_put_time(w, "timestamp", s->time_s);
    json_put_object(w, "tools");
    json_put_array(w, "components");
    json_out_object(w);
    json_put_string(w, "type", "application");
    json_put_string(w, "name", "airlock");
    json_put_string(w, "version", AIRLOCK_VERSION);
    json_out_object_end(w);
    json_out_array_end(w);
    json_out_object_end(w);
    json_out_key(w, "component");
    put_component(w, s, 0);
    if (s->comment) {
        json_put_array(w, "properties");
        put_property(w, "airlock:comment", s->comment);
        json_out_array_end(w);
    }
    json_out_object_end(w);
}

/* The subject needs all of them; a component needs what it says. */
static void put_dependencies(struct json_out *w, const struct sbom *s)
{
    json_put_array(w, "dependencies");
    for (size_t i = 0; i <= s->count; i++) {
        if (i && !s->components[i - 1].needs_count)
            continue;
        json_out_object(w);
        json_out_key(w, "ref");
        put_ref(w, s, i);
        json_put_array(w, "dependsOn");
        for (size_t k = 0; k < (i ? s->components[i - 1].needs_count : s->count); k++)
            put_ref(w, s, i ? s->components[i - 1].needs[k] + 1 : k + 1);
        json_out_array_end(w);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}

static void put_compositions(struct json_out *w, const struct sbom *s)
{
    if (!s->incomplete)
        return;
    json_put_array(w, "compositions");
    json_out_object(w);
    json_put_string(w, "aggregate", "incomplete");
    json_put_array(w, "assemblies");
    put_ref(w, s, 0);
    json_out_array_end(w);
    json_out_object_end(w);
    json_out_array_end(w);
}

int sbom_write(const struct sbom *s, struct buf *out, struct err *e)
{
    struct json_out w;
    char serial[SBOM_SERIAL_SIZE];
    sbom_serial(&s->seed, serial);
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json");
    json_put_string(&w, "bomFormat", "CycloneDX");
    json_put_string(&w, "specVersion", "1.6");
    json_put_string(&w, "serialNumber", serial);
    json_put_uint(&w, "version", 1);
    put_metadata(&w, s);
    json_put_array(&w, "components");
    for (size_t i = 0; i < s->count; i++)
        put_component(&w, s, i + 1);
    json_out_array_end(&w);
    put_dependencies(&w, s);
    put_compositions(&w, s);
    json_out_object_end(&w);
    return buf_check(out, "inventory", e);
}

bool sbom_format_named(const char *name, int (**write)(const struct sbom *s, struct buf *out, struct err *e))
{
    bool spdx = strcmp(name, "spdx") == 0;
    *write = spdx ? sbom_write_spdx : sbom_write;
    return spdx || strcmp(name, "cyclonedx") == 0;
}
