/* A contour in a folder of its own, in this very process. */
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "parse/ops.h"
#include "site/site.h"
#include "util/file.h"

struct test_contour {
    char path[64];
    struct site *site;
};

static inline void contour_make(struct test_contour *t)
{
    struct err e = {0};
    char folder[96];
    child_use_inline(PARSE_OPS, PARSE_OPS_COUNT);
    snprintf(t->path, sizeof t->path, "/tmp/airlock-contour-XXXXXX");
    assert_non_null(mkdtemp(t->path));
    snprintf(folder, sizeof folder, "%s/contour", t->path);
    if (site_init(folder, SITE_CONTOUR, "demo", NULL, &e) < 0)
        fail_msg("%s", e.msg);
    t->site = site_open(folder, SITE_CONTOUR, &e);
    if (!t->site)
        fail_msg("%s", e.msg);
}

static inline void contour_remove(struct test_contour *t)
{
    struct err e = {0};
    site_close(t->site);
    assert_int_equal(tree_remove(AT_FDCWD, t->path, &e), 0);
}
