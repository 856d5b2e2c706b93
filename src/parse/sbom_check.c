#include "parse/sbom_check.h"

#include <string.h>

#include "parse/json_place.h"
#include "parse/sbom_read.h"
#include "parse/sbom_rules.h"
#include "parse/schema.h"

/* What is no JSON: the message of the parser, and where it stopped. */
static void broken(struct span input, size_t offset, const struct err *e, struct problems *out)
{
    auto_buf at = BUF(1U << 16);
    if (offset != SIZE_MAX)
        json_place(input, offset, &at);
    problem_add_at(out, buf_str(&at), e->code == ERR_LIMIT ? "limit" : "json", "%s", e->msg);
}

static void check_document(const json_t *root, struct sbom_kind *kind, struct problems *problems,
                           struct problems *notes)
{
    struct sbom_rules rules = {.root = root, .problems = problems, .notes = notes};
    if (!sbom_recognise(root, kind)) {
        problem_add_at(problems, kind->at, "version", "%s", kind->why);
        return;
    }
    if (kind->schema == SCHEMA_ROOT_COUNT) {
        problem_add_at(problems, "/specVersion", "version", "CycloneDX %s is not checked; 1.4, 1.5 and 1.6 are",
                       kind->version);
        return;
    }
    schema_check_document(kind->schema, root, problems);
    if (strcmp(kind->format, "SPDX") == 0)
        spdx_rules(&rules);
    else
        cyclonedx_rules(&rules);
}

int sbom_check_op(struct span input, struct span arg, struct buf *reply, struct err *e)
{
    auto_problems problems = {.max = PROBLEMS_MAX}, notes = {.max = PROBLEMS_MAX};
    struct sbom_kind kind = {0};
    struct err why = {0};
    struct json_out w;
    size_t offset = SIZE_MAX;
    (void)arg;
    auto_json root = sbom_parse(input, &offset, &why);
    if (root)
        check_document(root, &kind, &problems, &notes);
    else
        broken(input, offset, &why, &problems);
    json_out_init(&w, reply);
    json_out_object(&w);
    json_put_bool(&w, "valid", problems.count == 0);
    json_put_string(&w, "format", kind.format ? kind.format : "");
    json_put_string(&w, "version", kind.version);
    problems_write(&w, "problem", &problems);
    problems_write(&w, "note", &notes);
    json_out_object_end(&w);
    return buf_check(reply, "answer about the SBOM", e);
}

void sbom_file_check(struct span file, const char *name, struct report *r)
{
    auto_problems problems = {.max = 1}, notes = {.max = 0};
    struct sbom_kind kind = {0};
    struct err none = {0};
    size_t offset;
    if (!span_ends(span_str(name), SPAN_LIT(".cdx.json")) && !span_ends(span_str(name), SPAN_LIT(".spdx.json")))
        return;
    auto_json root = sbom_parse(file, &offset, &none);
    if (!root)
        return; /* whoever read the JSON has said so */
    check_document(root, &kind, &problems, &notes);
    if (!kind.format && !kind.at[0])
        report_finding(r, SEVERITY_MEDIUM, "sbom-promise", "", "its name promises an SBOM: %s", kind.why);
    else if (problems.count)
        report_finding(r, SEVERITY_LOW, "sbom-invalid", problems.list[0].at, "not a valid SBOM (%zu problem%s): %s",
                       problems.count, problems.count == 1 ? "" : "s", problems.list[0].message);
}
