/* What an image does to who runs it: its configuration, and the members of its layers. Ordinary images of Debian pass,
 * with remarks; what opens a way in blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "look.h"
#include "parse/image_config.h"
#include "parse/layer_rules.h"
#include "util/encode.h"

/* ── configuration ── */

static struct look config_with(const char *members)
{
    auto_buf text = BUF(65536);
    buf_printf(&text,
               "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},%s}",
               members);
    return look_named(buf_span(&text), "image-config.json");
}

static void assert_config(const char *members, const char *rule, enum verdict verdict)
{
    auto_look l = config_with(members);
    if (!look_has(&l, rule) || l.verdict != verdict)
        fail_msg("%s: %s (%s)", members, l.rules, verdict_name(l.verdict));
}

static void an_ordinary_image_of_python_passes(void **state)
{
    (void)state;
    assert_config("\"config\":{\"Env\":[\"PATH=/usr/local/bin:/usr/bin:/bin\",\"LANG=C.UTF-8\","
                  "\"GPG_KEY=A035C8C19219BA821ECEA86B64E628F8D684696D\",\"PYTHON_VERSION=3.11.9\","
                  "\"PYTHON_GET_PIP_SHA256=dfe9fd5c28dc98b5ac17979a953ea550cec37ae1b47a5116007395bfacff2ab9\"],"
                  "\"Cmd\":[\"python3\"]},\"history\":[{\"created_by\":\"/bin/sh -c #(nop) ADD file:ab12 in / \"},"
                  "{\"created_by\":\"RUN /bin/sh -c set -eux; wget -O python.tar.xz \\\"$URL\\\"; make # buildkit\"}]",
                  "image-user", VERDICT_CLEAN);
}

static void a_user_of_its_own_is_no_remark(void **state)
{
    (void)state;
    auto_look named = config_with("\"config\":{\"User\":\"app:app\"}"),
              number = config_with("\"config\":{\"User\":\"1000\"}");
    assert_string_equal(named.rules, "");
    assert_string_equal(number.rules, "");
    assert_config("\"config\":{\"User\":\"0:0\"}", "image-user", VERDICT_CLEAN);
    assert_config("\"config\":{\"User\":\"root\"}", "image-user", VERDICT_CLEAN);
}

static void doors_that_give_a_shell_block_and_others_do_not(void **state)
{
    (void)state;
    assert_config("\"config\":{\"ExposedPorts\":{\"22/tcp\":{}}}", "image-port", VERDICT_SUSPICIOUS);
    assert_config("\"config\":{\"ExposedPorts\":{\"2375/tcp\":{}}}", "image-port", VERDICT_SUSPICIOUS);
    auto_look web = config_with("\"config\":{\"User\":\"app\",\"ExposedPorts\":{\"8080/tcp\":{},\"2200/tcp\":{}}}");
    assert_string_equal(web.rules, "");
    assert_config("\"config\":{\"Entrypoint\":[\"/usr/sbin/sshd\",\"-D\"]}", "image-shell", VERDICT_SUSPICIOUS);
    assert_config("\"config\":{\"Cmd\":[\"sh\",\"-c\",\"service x start; sshd -D\"]}", "image-shell",
                  VERDICT_SUSPICIOUS);
    assert_config("\"config\":{\"Volumes\":{\"/var/run/docker.sock\":{}}}", "image-volume", VERDICT_SUSPICIOUS);
}

static void variables_with_credentials_block(void **state)
{
    (void)state;
    assert_config("\"config\":{\"Env\":[\"POSTGRES_PASSWORD=winter24\"]}", "image-variable", VERDICT_SUSPICIOUS);
    assert_config("\"config\":{\"Env\":[\"API_TOKEN=q8Zr2Lx7Vb4Nw9Kt1Cm6Pd3\"]}", "secret-token", VERDICT_SUSPICIOUS);
    auto_look plain = config_with("\"config\":{\"User\":\"app\",\"Env\":[\"PASSWORD_FILE=/run/secrets/x\","
                                  "\"DB_PASSWORD=/run/secrets/db\",\"ALLOW_EMPTY_PASSWORD=yes\",\"A_TOKEN=\","
                                  "\"MYSQL_PASSWORD=changeme\"]}");
    assert_string_equal(plain.rules, "");
}

static void what_was_fetched_while_it_was_built_is_a_remark(void **state)
{
    (void)state;
    assert_config("\"history\":[{\"created_by\":\"/bin/sh -c #(nop) ADD https://away.test/x.tar /\"}]", "image-fetch",
                  VERDICT_CLEAN);
    assert_config("\"history\":[{\"created_by\":\"RUN curl -sSL https://away.test | bash\"}]", "image-fetch",
                  VERDICT_CLEAN);
    assert_config("\"config\":{\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"curl https://away.test\"]}}",
                  "image-healthcheck", VERDICT_CLEAN);
    assert_config("\"config\":{\"OnBuild\":[\"RUN x\"]}", "image-trigger", VERDICT_CLEAN);
}

static void a_configuration_without_a_suffix_is_known_by_its_members(void **state)
{
    auto_look l = look_named(SPAN_LIT("{\"rootfs\":{\"diff_ids\":[]},\"config\":{\"ExposedPorts\":{\"23/tcp\":{}}}}"),
                             "blobs/sha256/00");
    auto_look broken = look_named(SPAN_LIT("{\"rootfs\":{\"diff_ids\":[]},"), "blobs/sha256/00");
    (void)state;
    assert_true(look_has(&l, "image-port"));
    assert_true(look_has(&broken, "image-config"));
    assert_true(verdict_blocks(broken.verdict));
}

/* ── members of a layer ── */

static void put_record(struct buf *tar, const char *path, struct span program)
{
    uint8_t raw[HASH_SIZE_MAX];
    char hex[2 * HASH_SIZE_MAX + 1], line[256];
    hash_bytes(HASH_MD5, program, raw);
    hex_encode(span_of(raw, hash_size(HASH_MD5)), hex);
    snprintf(line, sizeof line, "%s  %s\n", hex, path);
    tar_member(tar, "var/lib/dpkg/status", '0', 0644, "",
               SPAN_LIT("Package: util\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1-1\n\n"));
    tar_member(tar, "var/lib/dpkg/info/util.md5sums", '0', 0644, "", span_str(line));
    tar_member(tar, "var/lib/dpkg/info/util.list", '0', 0644, "", SPAN_LIT("/.\n"));
}

static struct look layer_of(const char *path, char type, unsigned mode, struct span bytes, bool recorded)
{
    static const struct inspect_options options = {.name = "layer.tar", .layer = true};
    auto_buf tar = BUF(1U << 20);
    if (recorded)
        put_record(&tar, path, bytes);
    tar_member(&tar, path, type, mode, "", bytes);
    tar_end(&tar);
    return look_at(buf_span(&tar), &options);
}

static void assert_layer(const char *path, char type, unsigned mode, const char *text, const char *rule, bool blocks)
{
    auto_look l = layer_of(path, type, mode, span_str(text), false);
    if (!look_has(&l, rule) || verdict_blocks(l.verdict) != blocks)
        fail_msg("%s: %s (%s)", path, l.rules, verdict_name(l.verdict));
}

static void su_of_a_package_is_a_remark_and_any_other_program_blocks(void **state)
{
    auto_buf program = BUF(4096);
    (void)state;
    elf_file(&program, 5, 6);
    auto_look ours = layer_of("usr/bin/su", '0', 04755, buf_span(&program), true);
    auto_look nobodys = layer_of("usr/bin/su", '0', 04755, buf_span(&program), false);
    auto_look changed_mode = layer_of("usr/bin/python3.11", '0', 04755, buf_span(&program), true);
    auto_look elsewhere = layer_of("opt/su", '0', 04755, buf_span(&program), true);
    assert_true(look_has(&ours, "tar-setuid"));
    assert_false(verdict_blocks(ours.verdict));
    assert_true(look_has(&nobodys, "tar-setuid"));
    assert_true(verdict_blocks(nobodys.verdict));
    assert_true(verdict_blocks(changed_mode.verdict));
    assert_true(verdict_blocks(elsewhere.verdict));
}

static void case_35_a_record_with_another_hash_vouches_for_no_setuid_program(void **state)
{
    static const struct inspect_options options = {.name = "layer.tar", .layer = true};
    auto_buf tar = BUF(1U << 20), program = BUF(4096);
    (void)state;
    elf_file(&program, 5, 6);
    put_record(&tar, "usr/bin/su", SPAN_LIT("other bytes"));
    tar_member(&tar, "usr/bin/su", '0', 04755, "", buf_span(&program));
    tar_end(&tar);
    auto_look l = look_at(buf_span(&tar), &options);
    assert_true(look_has(&l, "tar-setuid"));
    assert_true(verdict_blocks(l.verdict));
}

static void what_everybody_may_write_blocks_where_programs_look(void **state)
{
    (void)state;
    assert_layer("etc/app.conf", '0', 0666, "a\n", "tar-writable", true);
    assert_layer("usr/lib", '5', 0777, "", "tar-writable", true);
    assert_layer("data/x.conf", '0', 0666, "a\n", "tar-writable", false);
    assert_layer("data", '5', 0777, "", "tar-writable", false);
    auto_look sticky = layer_of("tmp", '5', 01777, span_str(""), false);
    assert_string_equal(sticky.rules, "");
}

static void devices_block_but_for_those_that_everybody_has(void **state)
{
    (void)state;
    assert_layer("dev/null", '3', 0666, "", "tar-device", false); /* the member that look.h writes is 1:3 */
    assert_layer("dev/mem", '3', 0666, "", "tar-device", true);
    assert_layer("srv/null", '3', 0666, "", "tar-device", true);
    assert_layer("dev/zero", '3', 0666, "", "tar-device", true);
}

static void accounts_and_keys_that_come_along_block(void **state)
{
    (void)state;
    assert_layer("etc/sudoers.d/app", '0', 0440, "# x\napp ALL=(ALL) NOPASSWD: ALL\n", "image-sudo", true);
    assert_layer("root/.ssh/authorized_keys", '0', 0600, "ssh-ed25519 AAAA a\n", "image-authorized-key", true);
    assert_layer("etc/shadow", '0', 0640, "root:*:1::::::\napp::1::::::\n", "image-no-password", true);
    assert_layer("etc/passwd", '0', 0644, "root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n", "image-second-root", true);
    auto_look shadow = layer_of("etc/shadow", '0', 0640, SPAN_LIT("root:*:1::::::\nbin:!:1::::::\n"), false);
    auto_look sudo = layer_of("etc/sudoers", '0', 0440, SPAN_LIT("# a NOPASSWD\nroot ALL=(ALL:ALL) ALL\n"), false);
    auto_look keys = layer_of("root/.ssh/authorized_keys", '0', 0600, SPAN_LIT("# none\n\n"), false);
    assert_string_equal(shadow.rules, "");
    assert_string_equal(sudo.rules, "");
    assert_string_equal(keys.rules, "");
}

static void capabilities_are_named(void **state)
{
    static const uint8_t raw[20] = {1, 0, 0, 2, 0, 0x20, 0x20, 0}; /* cap_net_raw (13), cap_sys_admin (21) */
    struct layer_member m = {.path = "opt/tool", .type = S_IFREG, .mode = 0755, .layer = true, .capability_len = 20};
    auto_report r = {0}, ping = {0};
    (void)state;
    memcpy(m.capability, raw, sizeof raw);
    report_init(&r, "");
    layer_member_check(&m, (struct span){0}, &r);
    assert_int_equal(r.verdict, VERDICT_SUSPICIOUS);
    assert_non_null(strstr(buf_str(&r.findings_json), "cap_net_raw, cap_sys_admin"));
    report_init(&ping, "");
    m.path = "usr/bin/ping";
    m.vouched = true;
    layer_member_check(&m, (struct span){0}, &ping);
    assert_int_equal(ping.verdict, VERDICT_CLEAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ordinary_image_of_python_passes),
        cmocka_unit_test(a_user_of_its_own_is_no_remark),
        cmocka_unit_test(doors_that_give_a_shell_block_and_others_do_not),
        cmocka_unit_test(variables_with_credentials_block),
        cmocka_unit_test(what_was_fetched_while_it_was_built_is_a_remark),
        cmocka_unit_test(a_configuration_without_a_suffix_is_known_by_its_members),
        cmocka_unit_test(su_of_a_package_is_a_remark_and_any_other_program_blocks),
        cmocka_unit_test(case_35_a_record_with_another_hash_vouches_for_no_setuid_program),
        cmocka_unit_test(what_everybody_may_write_blocks_where_programs_look),
        cmocka_unit_test(devices_block_but_for_those_that_everybody_has),
        cmocka_unit_test(accounts_and_keys_that_come_along_block),
        cmocka_unit_test(capabilities_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
