#include "cli/reasons.h"

#include <stdio.h>

void reasons_print(const struct verdict *v)
{
    for (size_t i = 0; i < v->count; i++)
        printf("  %s %-18s %s\n", v->reasons[i].ok ? "yes" : "NO ", v->reasons[i].rule, v->reasons[i].text);
}

void reasons_put(struct json_out *w, const struct verdict *v)
{
    json_put_array(w, "reasons");
    for (size_t i = 0; i < v->count; i++) {
        json_out_object(w);
        json_put_string(w, "rule", v->reasons[i].rule);
        json_put_bool(w, "ok", v->reasons[i].ok);
        json_put_string(w, "text", v->reasons[i].text);
        json_out_object_end(w);
    }
    json_out_array_end(w);
}
