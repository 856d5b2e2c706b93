/* Manifests that are pushed: OCI image manifests and image indexes (image-spec 1.1, manifest.md, image-index.md), and
 * Docker's two of the second version, which podman still writes. The op "manifest" of the parse role. Hard rule: a
 * document that two readers could take for two things (duplicate keys, keys that differ only in case from each other or
 * from one that the specification has, layers beside manifests, a media type that is not the one it was sent under,
 * inline data that is not its digest's) is refused; what is unknown to us passes unchanged, since the bytes are what is
 * stored. */
#pragma once

#include "util/buf.h"

#define MANIFEST_OCI         "application/vnd.oci.image.manifest.v1+json"
#define MANIFEST_OCI_INDEX   "application/vnd.oci.image.index.v1+json"
#define MANIFEST_DOCKER      "application/vnd.docker.distribution.manifest.v2+json"
#define MANIFEST_DOCKER_LIST "application/vnd.docker.distribution.manifest.list.v2+json"

/* `arg`: the media type that it was sent under (the Content-Type header), "" when none was said. The reply, JSON:
 *
 *     {"media-type": "…", "artifact-type": "…" or "",
 *      "subject": "sha256:…",              absent when it hangs on nothing
 *      "annotations": {"key": "value"},    only with a subject
 *      "needs": [{"digest": "sha256:…", "size": N, "manifest": true}]}
 *
 * "needs" names what must be there before it: configuration and layers, or the manifests of an index; each once,
 * without non-distributable layers (image-spec, layer.md, "Non-Distributable Layers") and without the subject.
 * artifact-type is what the referrers API shows: of an image manifest without one, its configuration's media type.
 * ERR_INPUT, ERR_LIMIT with the place. */
int manifest_op(struct span input, struct span arg, struct buf *reply, struct err *e);
