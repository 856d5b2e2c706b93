/* SBOM documents: the keywords of their schemas, the rules beyond, the places that problems name, and what is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "parse/json_place.h"
#include "parse/sbom_check.h"
#include "parse/sbom_read.h"
#include "parse/schema_text.h"
#include "parse/spdx_licence.h"
#include "util/auto.h"
#include "util/limits.h"

static json_t *ask(int (*op)(struct span, struct span, struct buf *, struct err *), struct span text, struct err *e)
{
    auto_buf reply = BUF(LIMIT_MESSAGE_BYTES);
    if (op(text, span_str(""), &reply, e) < 0)
        return NULL;
    return json_parse(buf_span(&reply), LIMIT_MESSAGE_BYTES, "reply", e);
}

static json_t *check(const char *text)
{
    struct err e = {0};
    json_t *reply = ask(sbom_check_op, span_str(text), &e);
    assert_non_null(reply);
    return reply;
}

static void show(const json_t *reply, const char *list)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(reply, list), i, item)
        print_message("# %s: %s: %s [%s]\n", list, json_get_string(item, "at", ""),
                      json_get_string(item, "message", ""), json_get_string(item, "rule", ""));
}

static bool has(const json_t *reply, const char *list, const char *at, const char *rule)
{
    const json_t *item;
    size_t i;
    json_array_foreach(json_object_get(reply, list), i,
                       item) if (strcmp(json_get_string(item, "at", "-"), at) == 0 &&
                                 strcmp(json_get_string(item, "rule", ""), rule) == 0) return true;
    return false;
}

static void valid(const char *text)
{
    auto_json reply = check(text);
    show(reply, "problems");
    assert_true(json_is_true(json_object_get(reply, "valid")));
}

/* Not valid, with this problem among its own. */
static void refused(const char *text, const char *at, const char *rule)
{
    auto_json reply = check(text);
    assert_true(json_is_false(json_object_get(reply, "valid")));
    if (!has(reply, "problems", at, rule))
        show(reply, "problems");
    assert_true(has(reply, "problems", at, rule));
}

/* ── documents with one member that is otherwise ── */

#define ZEROS40 "0000000000000000000000000000000000000000"

static const char CYCLONEDX[] =
    "{'bomFormat':'CycloneDX','specVersion':'1.6','version':1,"
    "'metadata':{'component':{'type':'application','bom-ref':'top','name':'assistant'}},"
    "'components':[{'type':'library','bom-ref':'a','name':'a','version':'1.0','purl':'pkg:pypi/a@1.0'},"
    "{'type':'file','bom-ref':'b','name':'b'}],"
    "'dependencies':[{'ref':'top','dependsOn':['a','b']}]}";

static const char SPDX[] =
    "{'spdxVersion':'SPDX-2.3','dataLicense':'CC0-1.0','SPDXID':'SPDXRef-DOCUMENT','name':'assistant',"
    "'documentNamespace':'https://example.org/spdx/1',"
    "'creationInfo':{'created':'2026-11-24T08:00:00Z','creators':['Tool: airlock-0.1.0']},"
    "'externalDocumentRefs':[{'externalDocumentId':'DocumentRef-o+1','spdxDocument':'https://example.org/o',"
    "'checksum':{'algorithm':'SHA1','checksumValue':'" ZEROS40 "'}}],"
    "'hasExtractedLicensingInfos':[{'licenseId':'LicenseRef-own','extractedText':'mine'}],"
    "'packages':[{'SPDXID':'SPDXRef-a','name':'a','versionInfo':'1.0','downloadLocation':'NOASSERTION',"
    "'filesAnalyzed':true,'packageVerificationCode':{'packageVerificationCodeValue':'" ZEROS40 "'},"
    "'licenseConcluded':'MIT','licenseDeclared':'NOASSERTION','copyrightText':'NONE',"
    "'checksums':[{'algorithm':'SHA1','checksumValue':'" ZEROS40 "'}],"
    "'externalRefs':[{'referenceCategory':'PACKAGE-MANAGER','referenceType':'purl',"
    "'referenceLocator':'pkg:pypi/a@1.0'}]},"
    "{'SPDXID':'SPDXRef-b','name':'b','downloadLocation':'NONE','filesAnalyzed':false}],"
    "'files':[{'SPDXID':'SPDXRef-f','fileName':'./f','checksums':[{'algorithm':'SHA1','checksumValue':'" ZEROS40
    "'}]}],"
    "'snippets':[{'SPDXID':'SPDXRef-s','name':'s','snippetFromFile':'SPDXRef-f','ranges':[{"
    "'startPointer':{'offset':1,'reference':'SPDXRef-f'},'endPointer':{'offset':9,'reference':'SPDXRef-f'}}]}],"
    "'relationships':[{'spdxElementId':'SPDXRef-DOCUMENT','relationshipType':'DESCRIBES',"
    "'relatedSpdxElement':'SPDXRef-a'},{'spdxElementId':'SPDXRef-a','relationshipType':'CONTAINS',"
    "'relatedSpdxElement':'SPDXRef-f'}]}";

/* Text with ' for ", so that documents can be read here. */
static char *quoted(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    for (char *c = copy; *c; c++)
        if (*c == '\'')
            *c = '"';
    return copy;
}

static json_t *step(json_t *at, const char *word)
{
    return json_is_array(at) ? json_array_get(at, (size_t)strtoul(word, NULL, 10)) : json_object_get(at, word);
}

/* `text` with the member at `pointer` set to `value` (JSON with ' for "; NULL: taken out). */
static char *changed(const char *text, const char *pointer, const char *value)
{
    auto_free char *document = quoted(text);
    auto_json root = json_loads(document, JSON_DECODE_ANY, NULL);
    char path[256], *save = NULL, *next;
    snprintf(path, sizeof path, "%s", pointer);
    json_t *at = root;
    char *word = strtok_r(path, "/", &save);
    while ((next = strtok_r(NULL, "/", &save))) {
        at = step(at, word);
        assert_non_null(at);
        word = next;
    }
    if (!value) {
        assert_int_equal(json_object_del(at, word), 0);
    } else {
        auto_free char *new_text = quoted(value);
        json_t *new_value = json_loads(new_text, JSON_DECODE_ANY, NULL);
        assert_non_null(new_value);
        if (json_is_array(at) && strcmp(word, "-") == 0)
            json_array_append_new(at, new_value);
        else if (json_is_array(at))
            json_array_set_new(at, (size_t)strtoul(word, NULL, 10), new_value);
        else
            json_object_set_new(at, word, new_value);
    }
    return json_dumps(root, JSON_COMPACT);
}

struct change {
    const char *pointer, *value; /* what is changed, to what */
    const char *at, *rule;       /* the problem; NULL: still valid */
};

static void each_change(const char *text, const struct change *changes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct change *c = &changes[i];
        auto_free char *document = changed(text, c->pointer, c->value);
        auto_json reply = check(document);
        bool fine = json_is_true(json_object_get(reply, "valid"));
        if (fine == !c->at && (fine || has(reply, "problems", c->at, c->rule)))
            continue;
        print_message("# %s = %s\n", c->pointer, c->value ? c->value : "(nothing)");
        show(reply, "problems");
        fail();
    }
}

/* ── the schema ── */

static void the_documents_of_these_tests_are_valid(void **state)
{
    (void)state;
    auto_free char *cyclonedx = quoted(CYCLONEDX);
    auto_free char *spdx = quoted(SPDX);
    auto_free char *small = quoted("{'bomFormat':'CycloneDX','specVersion':'1.5'}");
    valid(cyclonedx);
    valid(spdx);
    valid(small);
    refused("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.4\"}", "", "required");
}

static void each_keyword_of_the_schemas_is_asserted(void **state)
{
    static const struct change changes[] = {
        {"/version", "'1'", "/version", "type"},
        {"/version", "0", "/version", "minimum"},
        {"/version", "2.0", NULL, NULL},
        {"/version", "1.5", "/version", "type"},
        {"/serialNumber", "'urn:uuid:3E671687-395b-41f5-a30f-a58921a69b79'", "/serialNumber", "pattern"},
        {"/serialNumber", "'urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79'", NULL, NULL},
        {"/components/0/bom-ref", "''", "/components/0/bom-ref", "minLength"},
        {"/components/0/type", "'thing'", "/components/0/type", "enum"},
        {"/components/0/name", NULL, "/components/0", "required"},
        {"/components/0/surplus", "1", "/components/0/surplus", "additionalProperties"},
        {"/components/-", "{'type':'file','bom-ref':'b','name':'b'}", "/components/2", "uniqueItems"},
        {"/dependencies/0/dependsOn", "['a','a']", "/dependencies/0/dependsOn/1", "uniqueItems"},
        {"/metadata/timestamp", "'2026-11-24'", "/metadata/timestamp", "format"},
        {"/components/0/externalReferences", "[{'type':'vcs','url':'https://a b'}]",
         "/components/0/externalReferences/0/url", "format"},
        {"/components/0/evidence", "{'identity':[{'field':'purl','confidence':1.5}]}",
         "/components/0/evidence/identity/0/confidence", "maximum"},
        {"/components/0/licenses", "[{'license':{'id':'MIT','name':'MIT'}}]", "/components/0/licenses/0/license",
         "oneOf"},
        {"/components/0/licenses", "[{'license':{}}]", "/components/0/licenses/0/license", "required"},
        {"/components/0/licenses", "[{'expression':'MIT'},{'expression':'MIT'}]", "/components/0/licenses", "maxItems"},
        {"/components/0/licenses", "[{'license':{'id':'NoSuchLicence'}}]", "/components/0/licenses/0/license/id",
         "enum"},
    };
    (void)state;
    each_change(CYCLONEDX, changes, ARRAY_LEN(changes));
}

static void the_form_that_fits_best_speaks(void **state)
{
    static const struct change changes[] = {
        /* tools: an object of components, or a list of the older kind */
        {"/metadata/tools", "{'components':[{'type':'application'}]}", "/metadata/tools/components/0", "required"},
        {"/metadata/tools", "[{'vendor':'v','nam':'t'}]", "/metadata/tools/0/nam", "additionalProperties"},
        /* a signature: one signer, or several */
        {"/signature", "{'algorithm':'no algorithm','value':'eA'}", "/signature/algorithm", "format"},
        {"/signature", "{'algorithm':'urn:example:own','value':'eA'}", NULL, NULL},
        {"/signature", "{'signers':[{'algorithm':'ES256'}]}", "/signature/signers/0", "required"},
    };
    (void)state;
    each_change(CYCLONEDX, changes, ARRAY_LEN(changes));
}

static void a_place_is_a_json_pointer_whatever_the_key_is(void **state)
{
    (void)state;
    refused("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"a/b~\\n\":1}", "/a~1b~0?", "additionalProperties");
}

static void problems_are_bounded_and_counted(void **state)
{
    auto_buf text = BUF(1U << 20);
    (void)state;
    buf_add_str(&text, "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[");
    for (int i = 0; i < 1000; i++)
        buf_printf(&text, "%s{\"n\":%d}", i ? "," : "", i);
    buf_add_str(&text, "]}");
    auto_json reply = check(buf_str(&text));
    assert_int_equal(json_array_size(json_object_get(reply, "problems")), 100);
    assert_int_equal(json_integer_value(json_object_get(reply, "problem_count")), 3000);
}

static void a_bomb_ends_and_is_not_valid(void **state)
{
    auto_buf text = BUF(64U << 20);
    (void)state;
    /* more bytes than are read */
    buf_add_str(&text, "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"components\":[");
    for (size_t i = 0; text.len < LIMIT_SBOM_BYTES; i++)
        buf_printf(&text, "%s{\"type\":\"file\",\"name\":\"%zu\"}", i ? "," : "", i);
    buf_add_str(&text, "]}");
    refused(buf_str(&text), "", "limit");
    /* deeper than is read, though each level is allowed */
    buf_clear(&text);
    buf_add_str(&text, "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\"");
    for (int i = 0; i < 40; i++)
        buf_add_str(&text, ",\"components\":[{\"type\":\"file\",\"name\":\"n\"");
    for (int i = 0; i < 40; i++)
        buf_add_str(&text, "}]");
    buf_add_str(&text, "}");
    refused(buf_str(&text), "", "limit");
    /* a number that no computer holds */
    refused("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"version\":1e999}", "/version", "json");
    refused("{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"version\":99999999999999999999}", "/version",
            "json");
}

static void what_is_no_json_has_its_place(void **state)
{
    (void)state;
    refused("{\"bomFormat\":\"CycloneDX\",\"components\":[{},{\"name\":\"a\",\"name\":\"b\"}]}", "/components/1/name",
            "json");
    refused("{\"bomFormat\":\"CycloneDX\",\"components\":[{},{\"name\":tru}]}", "/components/1/name", "json");
    refused("", "", "json");
    refused("<bom xmlns=\"http://cyclonedx.org/schema/bom/1.6\"/>", "", "json");
    refused("SPDXVersion: SPDX-2.3\nDataLicense: CC0-1.0\n", "", "json");
    refused("[]", "", "version");
    refused("{\"specVersion\":\"1.7\",\"bomFormat\":\"CycloneDX\"}", "/specVersion", "version");
    refused("{\"@context\":\"https://spdx.org/rdf/3.0.1/spdx-context.jsonld\",\"@graph\":[]}", "/@context", "version");
}

static void an_offset_has_a_pointer(void **state)
{
    static const struct {
        const char *text, *pointer;
    } cases[] = {
        {"{", ""},
        {"{\"a\"", "/a"},
        {"{\"a\":1,\"b\":[1,2", "/b/1"},
        {"{\"a\":{\"b\":1},", "/a"},
        {"[[],{\"x", "/1/x"},
        {"{\"a\\\"b\":[{}", "/a\\\"b/0"},
        {"{\"a\":\"[{,\"", "/a"},
        {"]}", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        auto_buf out = BUF(4096);
        json_place(span_str(cases[i].text), strlen(cases[i].text), &out);
        assert_string_equal(buf_str(&out), cases[i].pointer);
    }
}

/* ── the rules of CycloneDX ── */

static void references_of_cyclonedx_lead_somewhere(void **state)
{
    static const struct change changes[] = {
        {"/components/1/bom-ref", "'a'", "/components/1/bom-ref", "bom-ref-unique"},
        {"/components/0/components", "[{'type':'file','name':'x','bom-ref':'b'}]", "/components/1/bom-ref",
         "bom-ref-unique"},
        {"/dependencies/0/ref", "'nobody'", "/dependencies/0/ref", "ref-unknown"},
        {"/dependencies/0/dependsOn", "['a','c']", "/dependencies/0/dependsOn/1", "ref-unknown"},
        {"/dependencies/0/provides", "['c']", "/dependencies/0/provides/0", "ref-unknown"},
        {"/compositions", "[{'aggregate':'complete','assemblies':['nobody']}]", "/compositions/0/assemblies/0",
         "ref-unknown"},
        {"/compositions", "[{'aggregate':'complete','assemblies':['top']}]", NULL, NULL},
        /* into another document */
        {"/compositions",
         "[{'aggregate':'complete','assemblies':['urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#x']}]", NULL, NULL},
        /* a property may be called as it likes */
        {"/components/0/properties", "[{'name':'bom-ref','value':'a'},{'name':'purl','value':'x'}]", NULL, NULL},
        /* only a note: a VEX may speak of what it does not hold */
        {"/vulnerabilities", "[{'id':'CVE-2026-1','affects':[{'ref':'nobody'}]}]", NULL, NULL},
    };
    (void)state;
    each_change(CYCLONEDX, changes, ARRAY_LEN(changes));
    auto_free char *vex = changed(CYCLONEDX, "/vulnerabilities", "[{'affects':[{'ref':'nobody'}]}]");
    auto_json reply = check(vex);
    assert_true(has(reply, "notes", "/vulnerabilities/0/affects/0/ref", "ref-unknown"));
}

static void hashes_licences_and_purls_of_cyclonedx_are_what_they_say(void **state)
{
    static const struct change changes[] = {
        {"/components/0/hashes", "[{'alg':'SHA-256','content':'" ZEROS40 "'}]", "/components/0/hashes/0/content",
         "hash-length"},
        {"/components/0/hashes", "[{'alg':'SHA-1','content':'" ZEROS40 "'}]", NULL, NULL},
        {"/components/0/licenses", "[{'expression':'MIT OR (Apache-2.0'}]", "/components/0/licenses/0/expression",
         "licence-expression"},
        {"/components/0/licenses", "[{'expression':'MIT OR LicenseRef-x'}]", NULL, NULL},
        {"/components/0/purl", "'pkg:pypi'", "/components/0/purl", "purl"},
    };
    (void)state;
    each_change(CYCLONEDX, changes, ARRAY_LEN(changes));
}

/* ── the rules of SPDX ── */

static void identifiers_and_references_of_spdx_hold(void **state)
{
    static const struct change changes[] = {
        {"/SPDXID", "'SPDXRef-Document'", "/SPDXID", "identifier"},
        {"/packages/0/SPDXID", "'Package a'", "/packages/0/SPDXID", "identifier"},
        {"/packages/1/SPDXID", "'SPDXRef-a'", "/packages/1/SPDXID", "identifier-unique"},
        {"/files/0/SPDXID", "'SPDXRef-a'", "/files/0/SPDXID", "identifier-unique"},
        {"/packages/1/SPDXID", "'SPDXRef-DOCUMENT'", "/packages/1/SPDXID", "identifier-unique"},
        {"/externalDocumentRefs/0/externalDocumentId", "'o'", "/externalDocumentRefs/0/externalDocumentId",
         "identifier"},
        {"/hasExtractedLicensingInfos/0/licenseId", "'own'", "/hasExtractedLicensingInfos/0/licenseId", "identifier"},
        {"/relationships/1/relatedSpdxElement", "'SPDXRef-z'", "/relationships/1/relatedSpdxElement",
         "element-unknown"},
        {"/relationships/1/relatedSpdxElement", "'NOASSERTION'", NULL, NULL},
        {"/relationships/1/spdxElementId", "'NONE'", "/relationships/1/spdxElementId", "element-unknown"},
        {"/relationships/1/relatedSpdxElement", "'DocumentRef-o+1:SPDXRef-z'", NULL, NULL},
        {"/relationships/1/relatedSpdxElement", "'DocumentRef-p:SPDXRef-z'", "/relationships/1/relatedSpdxElement",
         "element-unknown"},
        {"/packages/0/hasFiles", "['SPDXRef-g']", "/packages/0/hasFiles/0", "element-unknown"},
        {"/documentDescribes", "['SPDXRef-z']", "/documentDescribes/0", "element-unknown"},
        {"/snippets/0/snippetFromFile", "'SPDXRef-z'", "/snippets/0/snippetFromFile", "element-unknown"},
        {"/relationships/0/relationshipType", "'OTHER'", "", "describes"},
        {"/relationships/0",
         "{'spdxElementId':'SPDXRef-a','relationshipType':'DESCRIBED_BY','relatedSpdxElement':'SPDXRef-DOCUMENT'}",
         NULL, NULL},
    };
    (void)state;
    each_change(SPDX, changes, ARRAY_LEN(changes));
}

static void fields_of_spdx_have_their_form(void **state)
{
    static const struct change changes[] = {
        {"/dataLicense", "'MIT'", "/dataLicense", "data-licence"},
        {"/documentNamespace", "'https://example.org/a#b'", "/documentNamespace", "namespace"},
        {"/documentNamespace", "'example'", "/documentNamespace", "namespace"},
        {"/documentNamespace", "'urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79'", NULL, NULL},
        {"/creationInfo/created", "'2026-11-24T08:00:00+00:00'", "/creationInfo/created", "date"},
        {"/creationInfo/created", "'2026-02-29T08:00:00Z'", "/creationInfo/created", "date"},
        {"/creationInfo/creators", "['airlock']", "/creationInfo/creators/0", "actor"},
        {"/creationInfo/creators", "['Tool: ']", "/creationInfo/creators/0", "actor"},
        {"/creationInfo/creators", "['Person: Jane Doe ()']", NULL, NULL},
        {"/creationInfo/licenseListVersion", "'3.28'", NULL, NULL},
        {"/creationInfo/licenseListVersion", "'3.25.0'", NULL, NULL},
        {"/creationInfo/licenseListVersion", "'3'", "/creationInfo/licenseListVersion", "licence-list"},
        {"/creationInfo/licenseListVersion", "'3.x'", "/creationInfo/licenseListVersion", "licence-list"},
        {"/creationInfo/licenseListVersion", "''", "/creationInfo/licenseListVersion", "licence-list"},
        {"/packages/0/supplier", "'Tool: t'", "/packages/0/supplier", "actor"},
        {"/packages/0/supplier", "'NOASSERTION'", NULL, NULL},
        {"/packages/0/originator", "'ACME'", "/packages/0/originator", "actor"},
        {"/packages/0/downloadLocation", "'somewhere'", "/packages/0/downloadLocation", "address"},
        {"/packages/0/downloadLocation", "'git+https://example.org/a.git@v1#sub'", NULL, NULL},
        {"/packages/0/downloadLocation", "'git+git@example.org:a'", NULL, NULL},
        {"/packages/0/homepage", "'not a page'", "/packages/0/homepage", "address"},
        {"/packages/0/releaseDate", "'2026-11-24'", "/packages/0/releaseDate", "date"},
        {"/packages/0/checksums/0/checksumValue", "'00'", "/packages/0/checksums/0/checksumValue", "checksum"},
        {"/packages/0/checksums/0/checksumValue", "'ABCDEF0000000000000000000000000000000000'",
         "/packages/0/checksums/0/checksumValue", "checksum"},
        {"/files/0/checksums/0/algorithm", "'SHA256'", "/files/0/checksums", "checksum"},
        {"/packages/0/externalRefs/0/referenceLocator", "'pypi/a'", "/packages/0/externalRefs/0/referenceLocator",
         "purl"},
        {"/packages/0/externalRefs/0",
         "{'referenceCategory':'SECURITY','referenceType':'cpe23Type',"
         "'referenceLocator':'cpe:2.3:a:v:p'}",
         "/packages/0/externalRefs/0/referenceLocator", "cpe"},
        {"/packages/0/externalRefs/0",
         "{'referenceCategory':'SECURITY','referenceType':'cpe23Type',"
         "'referenceLocator':'cpe:2.3:a:v\\\\:w:p:1.0:*:*:*:*:*:*:*'}",
         NULL, NULL},
        {"/packages/0/externalRefs/0", "{'referenceCategory':'OTHER','referenceType':'x','referenceLocator':'a b'}",
         "/packages/0/externalRefs/0/referenceLocator", "locator"},
        {"/annotations", "[{'annotationDate':'x','annotationType':'OTHER','annotator':'Tool: t','comment':'c'}]",
         "/annotations/0/annotationDate", "date"},
        {"/snippets/0/ranges/0/startPointer/offset", "10", "/snippets/0/ranges/0", "range"},
        {"/snippets/0/ranges/0/startPointer/offset", "0", "/snippets/0/ranges/0", "range"},
        {"/packages/0/packageVerificationCode", NULL, "/packages/0", "files-analyzed"},
        {"/packages/1/packageVerificationCode", "{'packageVerificationCodeValue':'" ZEROS40 "'}",
         "/packages/1/packageVerificationCode", "files-analyzed"},
        {"/packages/1/hasFiles", "['SPDXRef-f']", "/packages/1/hasFiles", "files-analyzed"},
        {"/packages/0/packageVerificationCode", "{'packageVerificationCodeValue':'00'}",
         "/packages/0/packageVerificationCode/packageVerificationCodeValue", "checksum"},
        {"/packages/0/primaryPackagePurpose", "'OPERATING_SYSTEM'", NULL, NULL},
        {"/packages/0/primaryPackagePurpose", "'OPERATING-SYSTEM'", NULL, NULL},
        {"/packages/0/primaryPackagePurpose", "'OPERATING SYSTEM'", "/packages/0/primaryPackagePurpose", "enum"},
    };
    (void)state;
    each_change(SPDX, changes, ARRAY_LEN(changes));
}

static void licences_of_spdx_are_expressions_whose_references_are_defined(void **state)
{
    static const struct change changes[] = {
        {"/packages/0/licenseConcluded", "'MIT AND (Apache-2.0'", "/packages/0/licenseConcluded", "licence-expression"},
        {"/packages/0/licenseConcluded", "'NoSuchLicence'", "/packages/0/licenseConcluded", "licence-expression"},
        {"/packages/0/licenseConcluded", "'LicenseRef-own OR MIT'", NULL, NULL},
        {"/packages/0/licenseConcluded", "'LicenseRef-other'", "/packages/0/licenseConcluded", "licence-ref"},
        {"/packages/0/licenseConcluded", "'DocumentRef-o+1:LicenseRef-x'", NULL, NULL},
        {"/packages/0/licenseConcluded", "'DocumentRef-p:LicenseRef-x'", "/packages/0/licenseConcluded", "licence-ref"},
        {"/packages/0/licenseInfoFromFiles", "['MIT','NONE','x']", "/packages/0/licenseInfoFromFiles/2",
         "licence-expression"},
        {"/files/0/licenseInfoInFiles", "['LicenseRef-other']", "/files/0/licenseInfoInFiles/0", "licence-ref"},
    };
    (void)state;
    each_change(SPDX, changes, ARRAY_LEN(changes));
}

/* ── texts ── */

static void licence_expressions_are_read_by_their_grammar(void **state)
{
    static const char *const good[] = {
        "MIT",
        "mit",
        "GPL-2.0+",
        "Apache-2.0+",
        "MIT OR Apache-2.0 AND BSD-3-Clause",
        "(MIT)",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "LicenseRef-a.b-c",
        "DocumentRef-d+1:LicenseRef-x",
        "((MIT OR ISC) AND (Zlib))",
        "MIT OR(ISC)",
        "LicenseRef-x WITH LLVM-exception",
    };
    static const char *const bad[] = {
        "",
        " ",
        "MIT ISC",
        "MIT or ISC",
        "MIT OR",
        "OR MIT",
        "(MIT",
        "MIT)",
        "()",
        "MIT WITH MIT",
        "MIT WITH Classpath-exception-2.0 WITH LLVM-exception",
        "(MIT) WITH LLVM-exception",
        "Classpath-exception-2.0",
        "LicenseRef-",
        "LicenseRef-a_b",
        "DocumentRef-d:MIT",
        "Apache 2.0",
        "MIT+OR+ISC",
        "MIT,ISC",
        "NOASSERTION",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct licence_flaw flaw = {0};
        if (!spdx_licence_check(span_str(good[i]), &flaw))
            fail_msg("%s: %s", good[i], flaw.why);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (spdx_licence_check(span_str(bad[i]), NULL))
            fail_msg("%s was taken", bad[i]);
}

static void formats_are_asserted(void **state)
{
    static const struct {
        enum schema_format format;
        bool holds;
        const char *text;
    } cases[] = {
        {SCHEMA_FORMAT_DATE_TIME, true, "2024-02-29T23:59:60Z"},
        {SCHEMA_FORMAT_DATE_TIME, true, "2026-11-24t08:00:00.123456789+05:30"},
        {SCHEMA_FORMAT_DATE_TIME, false, "2026-11-24"},
        {SCHEMA_FORMAT_DATE_TIME, false, "2026-11-24T08:00:00"},
        {SCHEMA_FORMAT_DATE_TIME, false, "2023-02-29T08:00:00Z"},
        {SCHEMA_FORMAT_DATE_TIME, false, "2026-13-01T08:00:00Z"},
        {SCHEMA_FORMAT_DATE_TIME, false, "2026-11-24T24:00:00Z"},
        {SCHEMA_FORMAT_DATE_TIME, false, "2026-11-24T08:00:00.Z"},
        {SCHEMA_FORMAT_DATE_TIME, false, "2026-11-24T08:00:00Z "},
        {SCHEMA_FORMAT_IDN_EMAIL, true, "jane.doe@example.org"},
        {SCHEMA_FORMAT_IDN_EMAIL, true, "\"a b\"@example.org"},
        {SCHEMA_FORMAT_IDN_EMAIL, true, "jos\xc3\xa9@ex\xc3\xa4mple.org"},
        {SCHEMA_FORMAT_IDN_EMAIL, true, "a@[127.0.0.1]"},
        {SCHEMA_FORMAT_IDN_EMAIL, false, "jane"},
        {SCHEMA_FORMAT_IDN_EMAIL, false, "@example.org"},
        {SCHEMA_FORMAT_IDN_EMAIL, false, "jane..doe@example.org"},
        {SCHEMA_FORMAT_IDN_EMAIL, false, "jane doe@example.org"},
        {SCHEMA_FORMAT_IDN_EMAIL, false, "jane@"},
        {SCHEMA_FORMAT_URI, true, "https://user@example.org:8080/a;b?c=%20#d"},
        {SCHEMA_FORMAT_URI, true, "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79"},
        {SCHEMA_FORMAT_URI, true, "http://[2001:db8::1]/"},
        {SCHEMA_FORMAT_URI, false, "/relative"},
        {SCHEMA_FORMAT_URI, false, "https://example.org/a b"},
        {SCHEMA_FORMAT_URI, false, "https://example.org/%zz"},
        {SCHEMA_FORMAT_URI, false, "https://ex\xc3\xa4mple.org/"},
        {SCHEMA_FORMAT_URI, false, "1http://example.org/"},
        {SCHEMA_FORMAT_URI, false, "https://example.org/a#b#c"},
        {SCHEMA_FORMAT_IRI_REFERENCE, true, ""},
        {SCHEMA_FORMAT_IRI_REFERENCE, true, "../a/b?x#y"},
        {SCHEMA_FORMAT_IRI_REFERENCE, true, "https://ex\xc3\xa4mple.org/\xe2\x82\xac"},
        {SCHEMA_FORMAT_IRI_REFERENCE, true, "git@example.org/a"},
        {SCHEMA_FORMAT_IRI_REFERENCE, false, "a b"},
        {SCHEMA_FORMAT_IRI_REFERENCE, false, "git@example.org:a"},
        {SCHEMA_FORMAT_IRI_REFERENCE, false, "https://example.org/<a>"},
        {SCHEMA_FORMAT_IRI_REFERENCE, false, "https://[::1"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (format_holds(cases[i].format, span_str(cases[i].text)) != cases[i].holds)
            fail_msg("%s: %s", format_name(cases[i].format), cases[i].text);
}

static void every_pattern_of_the_schemas_compiles(void **state)
{
    struct patterns patterns = {0};
    (void)state;
    assert_true(SCHEMA_PATTERN_COUNT > 0);
    for (uint32_t i = 0; i < SCHEMA_PATTERN_COUNT; i++)
        assert_false(pattern_matches(&patterns, i, SPAN_LIT("none of them has this: \n")));
    patterns_fini(&patterns);
}

/* ── reading ── */

static json_t *read_quoted(const char *text, struct err *e)
{
    auto_free char *document = quoted(text);
    return ask(sbom_read_op, span_str(document), e);
}

static const char *member(const json_t *reply, size_t i, const char *key)
{
    return json_get_string(json_array_get(json_object_get(reply, "packages"), i), key, "-");
}

static void components_are_read_at_any_depth_and_the_subject_first(void **state)
{
    struct err e = {0};
    (void)state;
    auto_json reply = read_quoted(
        "{'bomFormat':'CycloneDX','specVersion':'1.6','components':[{'type':'library','bom-ref':'r','group':'g',"
        "'name':'outer','version':'1','purl':'pkg:pypi/outer@1','cpe':'c','scope':'optional',"
        "'licenses':[{'license':{'id':'MIT'}},{'license':{'name':'own'}}],"
        "'hashes':[{'alg':'SHA-1','content':'00'}],"
        "'components':[{'type':'library','name':'inner'}]}],"
        "'metadata':{'component':{'type':'application','name':'top'}}}",
        &e);
    assert_int_equal(json_array_size(json_object_get(reply, "packages")), 3);
    assert_string_equal(member(reply, 0, "name"), "top");
    assert_string_equal(member(reply, 1, "name"), "outer");
    assert_string_equal(member(reply, 1, "ref"), "r");
    assert_string_equal(member(reply, 1, "group"), "g");
    assert_string_equal(member(reply, 1, "purl"), "pkg:pypi/outer@1");
    assert_string_equal(member(reply, 1, "licence"), "MIT AND own");
    assert_string_equal(member(reply, 2, "name"), "inner");
}

static void packages_of_spdx_are_read_once_for_each_purl(void **state)
{
    struct err e = {0};
    (void)state;
    auto_json reply = read_quoted(
        "{'spdxVersion':'SPDX-2.3','SPDXID':'SPDXRef-DOCUMENT','packages':[{'SPDXID':'SPDXRef-a','name':'a',"
        "'versionInfo':'1','licenseConcluded':'NOASSERTION','licenseDeclared':'MIT',"
        "'checksums':[{'algorithm':'SHA256','checksumValue':'00'}],'externalRefs':["
        "{'referenceType':'purl','referenceLocator':'pkg:pypi/a@1'},"
        "{'referenceType':'cpe23Type','referenceLocator':'cpe'},"
        "{'referenceType':'purl','referenceLocator':'pkg:deb/debian/a@1'}]},{'SPDXID':'SPDXRef-b','name':'b'}],"
        "'files':[{'SPDXID':'SPDXRef-f','fileName':'./f'}]}",
        &e);
    assert_int_equal(json_array_size(json_object_get(reply, "packages")), 4);
    assert_string_equal(member(reply, 0, "purl"), "pkg:pypi/a@1");
    assert_string_equal(member(reply, 1, "purl"), "pkg:deb/debian/a@1");
    assert_string_equal(member(reply, 0, "cpe"), "cpe");
    assert_string_equal(member(reply, 0, "licence"), "MIT");
    assert_string_equal(member(reply, 2, "purl"), "-");
    assert_string_equal(member(reply, 3, "type"), "file");
    const json_t *hash =
        json_array_get(json_object_get(json_array_get(json_object_get(reply, "packages"), 0), "hashes"), 0);
    assert_string_equal(json_get_string(hash, "alg", ""), "SHA-256");
}

static void what_is_no_text_where_a_name_belongs_refuses_the_document(void **state)
{
    static const struct {
        const char *text, *place;
    } cases[] = {
        {"{'bomFormat':'CycloneDX','specVersion':'1.6','components':{}}", "/components: wanted an array"},
        {"{'bomFormat':'CycloneDX','specVersion':'1.6','components':[1]}", "/components/0: wanted an object"},
        {"{'bomFormat':'CycloneDX','specVersion':'1.6','components':[{}]}", "/components/0/name: wanted a string"},
        {"{'bomFormat':'CycloneDX','specVersion':'1.6','components':[{'name':'a','purl':1}]}",
         "/components/0/purl: wanted a string"},
        {"{'bomFormat':'CycloneDX','specVersion':'1.6','components':[{'name':'a','components':[{'name':2}]}]}",
         "/components/0/components/0/name: wanted a string"},
        {"{'spdxVersion':'SPDX-2.3','packages':[{'name':'a','externalRefs':[{'referenceType':'purl'}]}]}",
         "/packages/0/externalRefs/0/referenceLocator: wanted a string"},
        {"{'spdxVersion':'SPDX-2.1'}", "SPDX-2.1"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        assert_null(read_quoted(cases[i].text, &e));
        assert_int_equal(e.code, ERR_INPUT);
        if (!strstr(e.msg, cases[i].place))
            fail_msg("%s: %s", cases[i].text, e.msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documents_of_these_tests_are_valid),
        cmocka_unit_test(each_keyword_of_the_schemas_is_asserted),
        cmocka_unit_test(the_form_that_fits_best_speaks),
        cmocka_unit_test(a_place_is_a_json_pointer_whatever_the_key_is),
        cmocka_unit_test(problems_are_bounded_and_counted),
        cmocka_unit_test(a_bomb_ends_and_is_not_valid),
        cmocka_unit_test(what_is_no_json_has_its_place),
        cmocka_unit_test(an_offset_has_a_pointer),
        cmocka_unit_test(references_of_cyclonedx_lead_somewhere),
        cmocka_unit_test(hashes_licences_and_purls_of_cyclonedx_are_what_they_say),
        cmocka_unit_test(identifiers_and_references_of_spdx_hold),
        cmocka_unit_test(fields_of_spdx_have_their_form),
        cmocka_unit_test(licences_of_spdx_are_expressions_whose_references_are_defined),
        cmocka_unit_test(licence_expressions_are_read_by_their_grammar),
        cmocka_unit_test(formats_are_asserted),
        cmocka_unit_test(every_pattern_of_the_schemas_compiles),
        cmocka_unit_test(components_are_read_at_any_depth_and_the_subject_first),
        cmocka_unit_test(packages_of_spdx_are_read_once_for_each_purl),
        cmocka_unit_test(what_is_no_text_where_a_name_belongs_refuses_the_document),
    };
    return cmocka_run_group_tests_name("parse/sbom", tests, NULL, NULL);
}
