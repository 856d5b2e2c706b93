#include "parse/ops.h"

#include "parse/advisories_match.h"
#include "parse/advisory_source.h"
#include "parse/apt_uris.h"
#include "parse/dsse.h"
#include "parse/inspect.h"
#include "parse/inventory.h"
#include "parse/json_norm.h"
#include "parse/lock.h"
#include "parse/manifest.h"
#include "parse/members.h"
#include "parse/package.h"
#include "parse/prompts.h"
#include "parse/requires.h"
#include "parse/sbom_check.h"
#include "parse/sbom_read.h"
#include "parse/suite.h"
#include "parse/tuf.h"
#include "parse/vers.h"
#include "parse/version.h"
#include "parse/yaml_tree.h"
#include "parse/yara_rules.h"
#include "util/auto.h"

const struct child_op PARSE_OPS[] = {
    {"advisories-find", advisories_find_op},
    {"advisories-match", advisories_match_op},
    {"advisories-read", advisory_source_op},
    {"advisories-show", advisories_show_op},
    {"apt-uris", apt_uris_op},
    {"dsse", dsse_op},
    {"hash", hash_op},
    {"inspect", inspect_op},
    {"inventory", inventory_op},
    {"json", json_norm_op},
    {"lock", lock_op},
    {"manifest", manifest_op},
    {"npm-ranges", vers_npm_op},
    {"package", package_op},
    {"members", members_op},
    {"prompts", prompts_op},
    {"requires", requires_op},
    {"suite", suite_op},
    {"tuf", tuf_op},
    {"sbom-check", sbom_check_op},
    {"sbom-read", sbom_read_op},
    {"versions", version_op},
    {"yaml", yaml_tree_op},
    {"yara-rules", yara_rules_op},
};
const size_t PARSE_OPS_COUNT = ARRAY_LEN(PARSE_OPS);
