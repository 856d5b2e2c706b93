/* Paths below /hf/ENVIRONMENT/, as the clients of the Hugging Face Hub ask for them (huggingface_hub: hf_api.py,
 * file_download.py). Pure. */
#pragma once

#include <stdbool.h>

enum hf_what {
    HF_UNKNOWN,    /* nothing that we answer */
    HF_OTHER_KIND, /* a dataset or a space: none is held */
    HF_WHOAMI,     /* api/whoami-v2 */
    HF_LIST,       /* api/models */
    HF_INFO,       /* api/models/REPO[/revision/REV] */
    HF_TREE,       /* api/models/REPO/tree/REV[/PATH] */
    HF_PATHS_INFO, /* api/models/REPO/paths-info/REV */
    HF_REFS,       /* api/models/REPO/refs */
    HF_RESOLVE,    /* REPO/resolve/REV/PATH */
};

#define HF_REPO_MAX     193U /* two names of 96, as the hub has them */
#define HF_REVISION_MAX 128U

struct hf_path {
    enum hf_what what;
    char repo[HF_REPO_MAX + 1];         /* "name" or "owner/name" */
    char revision[HF_REVISION_MAX + 1]; /* "main" when none was asked for, and for "refs/heads/main" */
    const char *path;                   /* of a file or folder; "" when there is none; borrowed from `rest` */
};

/* `rest` is what follows /hf/ENVIRONMENT/, decoded; `segments` the same with HTTP_ENCODED_SLASH where a slash came as
 * %2F (http_route_segments): a revision is one segment, slashes and all, as the clients quote it. */
void hf_path_parse(const char *rest, const char *segments, struct hf_path *out);
