#include "parse/kev.h"

#include <string.h>

#include "parse/osv.h"

bool kev_is(const json_t *document)
{
    return json_object_get(document, "catalogVersion") && json_object_get(document, "vulnerabilities");
}

/* CVE-2021-44228 */
static bool cve_ok(const char *text)
{
    struct span s = span_str(text), year;
    if (!span_take_prefix(&s, SPAN_LIT("CVE-")) || !span_take(&s, 4, &year) || !span_take_prefix(&s, SPAN_LIT("-")) ||
        s.len < 4 || s.len > 19)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return true;
}

/* 2021-12-10 */
static bool day_of(const char *text, int64_t *out)
{
    char time[32];
    snprintf(time, sizeof(time), "%.10sT00:00:00Z", text);
    return strlen(text) >= 10 && osv_time(time, out);
}

static void refuse(struct buf *rows, const char *cve, size_t i, const char *member, const char *reason)
{
    char at[64];
    snprintf(at, sizeof(at), "/vulnerabilities/%zu/%s", i, member);
    row_refused(rows, span_str(cve), at, reason);
}

static void read_entry(const json_t *entry, size_t i, struct buf *rows)
{
    const char *cve = json_get_string(entry, "cveID", "");
    int64_t day;
    if (!cve_ok(cve)) {
        refuse(rows, cve, i, "cveID", "wanted a CVE id");
    } else if (!day_of(json_get_string(entry, "dateAdded", ""), &day)) {
        refuse(rows, cve, i, "dateAdded", "wanted a day");
    } else {
        row_u8(rows, ADVISORY_KEV);
        row_text(rows, span_str(cve));
        row_i64(rows, day);
    }
}

int kev_read(const json_t *catalogue, struct buf *rows, int64_t *released_s, struct err *e)
{
    const json_t *list = json_need_array(catalogue, "vulnerabilities", "", e), *entry;
    const char *released = list ? json_need_string(catalogue, "dateReleased", "", e) : NULL;
    uint64_t count;
    size_t i;
    if (!released || json_need_uint(catalogue, "count", "", &count, e) < 0)
        return -1;
    if (!osv_time(released, released_s) && !day_of(released, released_s))
        return err_set(e, ERR_INPUT, 0, "/dateReleased: wanted a time");
    if (count != json_array_size(list))
        return err_set(e, ERR_INPUT, 0, "/count: says %llu entries, and %zu are there", (unsigned long long)count,
                       json_array_size(list));
    json_array_foreach(list, i, entry) read_entry(entry, i, rows);
    return 0;
}
