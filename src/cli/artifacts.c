#include "cli/artifacts.h"

#include <stdio.h>

#include "util/clock.h"

void artifacts_print(const struct shipment_artifact *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        printf("  %s of %s  %s\n", list[i].role == TUF_POLICY ? "a policy" : "advisories",
               time_text(list[i].date_s).text, digest_text(&list[i].digest).text);
}

void artifacts_put(struct json_out *w, const struct shipment_artifact *list, size_t count)
{
    json_put_array(w, "artifacts");
    for (size_t i = 0; i < count; i++) {
        json_out_object(w);
        json_put_string(w, "role", tuf_role_name(list[i].role));
        json_put_digest(w, "digest", &list[i].digest);
        json_put_uint(w, "size", list[i].size);
        json_put_time(w, "date", list[i].date_s);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}
