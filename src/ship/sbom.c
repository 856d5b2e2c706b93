#include "ship/sbom.h"

#include <stdio.h>
#include <string.h>

#include "util/clock.h"
#include "util/json.h"
#include "version.h"

/* A UUID of version 8 (RFC 9562 section 5.8: bits of our own) out of a digest. */
static void put_serial(struct json_out *w, const struct digest *seed)
{
    uint8_t b[16];
    char text[64];
    memcpy(b, seed->bytes, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x80);
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(text, sizeof text, "urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
             b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
    json_put_string(w, "serialNumber", text);
}

static void put_property(struct json_out *w, const char *name, const char *value)
{
    json_out_object(w);
    json_put_string(w, "name", name);
    json_put_string(w, "value", value);
    json_out_object_end(w);
}

static void put_hash(struct json_out *w, const struct digest *digest)
{
    json_put_array(w, "hashes");
    json_out_object(w);
    json_put_string(w, "alg", "SHA-256");
    json_put_string(w, "content", digest_hex(digest).text);
    json_out_object_end(w);
    json_out_array_end(w);
}

static void put_properties(struct json_out *w, const struct sbom_component *c)
{
    char size[24];
    if (!c->part && !c->digest)
        return;
    json_put_array(w, "properties");
    if (c->part)
        put_property(w, "airlock:part", c->part);
    if (c->digest) {
        snprintf(size, sizeof size, "%llu", (unsigned long long)c->size);
        put_property(w, "airlock:size", size);
    }
    json_out_array_end(w);
}

/* References count from 1; 0 is the subject. */
static void put_ref(struct json_out *w, size_t number)
{
    char ref[32];
    snprintf(ref, sizeof ref, "part-%zu", number);
    json_out_string(w, number ? ref : "subject");
}

static void put_component(struct json_out *w, const struct sbom_component *c, const char *supplier, size_t number)
{
    json_out_object(w);
    json_put_string(w, "type", c->type);
    json_out_key(w, "bom-ref");
    put_ref(w, number);
    if (supplier) {
        json_put_object(w, "supplier");
        json_put_string(w, "name", supplier);
        json_out_object_end(w);
    }
    json_put_string(w, "name", c->name);
    if (c->version)
        json_put_string(w, "version", c->version);
    if (c->digest)
        put_hash(w, c->digest);
    if (c->licence) {
        json_put_array(w, "licenses");
        json_out_object(w);
        json_put_string(w, "expression", c->licence);
        json_out_object_end(w);
        json_out_array_end(w);
    }
    if (c->purl)
        json_put_string(w, "purl", c->purl);
    put_properties(w, c);
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
    put_component(w, &s->subject, s->supplier, 0);
    json_out_object_end(w);
}

int sbom_write(const struct sbom *s, struct buf *out, struct err *e)
{
    struct json_out w;
    json_out_init(&w, out);
    json_out_object(&w);
    json_put_string(&w, "$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json");
    json_put_string(&w, "bomFormat", "CycloneDX");
    json_put_string(&w, "specVersion", "1.6");
    put_serial(&w, &s->seed);
    json_put_uint(&w, "version", 1);
    put_metadata(&w, s);
    json_put_array(&w, "components");
    for (size_t i = 0; i < s->count; i++)
        put_component(&w, &s->components[i], NULL, i + 1);
    json_out_array_end(&w);
    json_put_array(&w, "dependencies");
    json_out_object(&w);
    json_out_key(&w, "ref");
    put_ref(&w, 0);
    json_put_array(&w, "dependsOn");
    for (size_t i = 0; i < s->count; i++)
        put_ref(&w, i + 1);
    json_out_array_end(&w);
    json_out_object_end(&w);
    json_out_array_end(&w);
    json_out_object_end(&w);
    return buf_check(out, "inventory", e);
}
