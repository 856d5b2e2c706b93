#include "parse/image_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parse/secrets.h"

static bool contains(struct span file, const char *word)
{
    return memmem(file.ptr, file.len, word, strlen(word)) != NULL;
}

bool image_config_is(struct span file)
{
    return file.len > 20 && file.len <= LIMIT_IMAGE_CONFIG_BYTES && file.ptr[0] == '{' &&
           contains(file, "\"rootfs\"") && contains(file, "\"diff_ids\"");
}

/* ── who, and through which door ── */

static void check_user(const json_t *config, struct report *r)
{
    const char *user = json_get_string(config, "User", "");
    size_t name = strcspn(user, ":");
    bool root = name == 0 || (name == 4 && strncmp(user, "root", 4) == 0) || strspn(user, "0") == name;
    if (root)
        report_finding(r, SEVERITY_LOW, "image-user", "/config/User", "%s; give it a user of its own, or run it as one",
                       user[0] ? "runs as root" : "names no user, and so runs as root");
}

/* Doors that give a shell, a desktop or the machine's own control to whoever reaches them. */
static void check_port(const char *port, struct report *r)
{
    static const struct {
        unsigned port;
        const char *what;
    } doors[] = {{22, "SSH"},
                 {23, "Telnet"},
                 {512, "rexec"},
                 {513, "rlogin"},
                 {514, "rsh"},
                 {2375, "Docker"},
                 {2376, "Docker"},
                 {2377, "Docker Swarm"},
                 {3389, "a desktop (RDP)"},
                 {4444, "shells of attack tools"},
                 {5900, "a desktop (VNC)"},
                 {5901, "a desktop (VNC)"},
                 {5985, "WinRM"},
                 {5986, "WinRM"},
                 {10250, "a kubelet"},
                 {10255, "a kubelet"}};
    unsigned long number = strtoul(port, NULL, 10);
    for (size_t i = 0; i < ARRAY_LEN(doors); i++)
        if (doors[i].port == number)
            report_finding(r, SEVERITY_MEDIUM, "image-port", "/config/ExposedPorts", "%.20s: where %s is expected",
                           port, doors[i].what);
}

static void check_volume(const char *path, struct report *r)
{
    static const char *const hosts[] = {"/var/run", "/run", "/proc", "/sys", "/dev", "/etc", "/root", "/"};
    bool control = strstr(path, "docker.sock") || strstr(path, "containerd.sock") || strstr(path, "crio.sock");
    for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
        control |= strcmp(path, hosts[i]) == 0;
    if (control)
        report_finding(r, SEVERITY_MEDIUM, "image-volume", "/config/Volumes",
                       "%.200s: wants a part of the machine that controls it", path);
}

/* ── variables ── */

/* What secrets.h finds by its form is said of the text as a whole; here a name that says "password" is enough. */
static void check_variable(const char *text, size_t index, struct report *r)
{
    const char *equals = strchr(text, '=');
    char at[64];
    if (!equals || strlen(equals + 1) < 4)
        return;
    struct span name = span_of(text, (size_t)(equals - text)), value = span_str(equals + 1);
    if (!secrets_is_setting(name, value))
        return;
    snprintf(at, sizeof at, "/config/Env/%zu", index);
    report_finding(r, SEVERITY_MEDIUM, "image-variable", at,
                   "%.*s has a value of %zu characters: everybody who has the image has it",
                   (int)(name.len < 64 ? name.len : 64), (const char *)name.ptr, value.len);
}

/* ── what it starts, and how it was built ── */

static bool is_shell_server(const char *word)
{
    static const char *const names[] = {"sshd", "dropbear", "telnetd",      "in.telnetd",
                                        "ttyd", "gotty",    "shellinaboxd", "tmate"};
    const char *slash = strrchr(word, '/');
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(slash ? slash + 1 : word, names[i]) == 0)
            return true;
    return false;
}

static bool has_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
        if ((at == text || strchr(" ;&|/(\t", at[-1])) && (at[len] == '\0' || strchr(" ;&|)\t", at[len])))
            return true;
    return false;
}

static void check_command(const json_t *list, const char *at, struct report *r)
{
    const json_t *item;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)list, i, item)
    {
        const char *word = json_string_value(item);
        if (word && (is_shell_server(word) || has_word(word, "sshd") || has_word(word, "telnetd")))
            report_finding(r, SEVERITY_MEDIUM, "image-shell", at, "starts a server that gives shells: %.120s", word);
    }
}

static bool is_of_this_host(const char *text)
{
    const char *at = strstr(text, "://");
    static const char *const hosts[] = {"localhost", "127.0.0.1", "[::1]", "0.0.0.0"};
    for (size_t i = 0; at && i < ARRAY_LEN(hosts); i++)
        if (strncasecmp(at + 3, hosts[i], strlen(hosts[i])) == 0)
            return true;
    return !at;
}

static void check_health(const json_t *test, struct report *r)
{
    const json_t *item;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)test, i, item)
    {
        const char *word = json_string_value(item);
        if (word && strstr(word, "://") && !is_of_this_host(word))
            report_finding(r, SEVERITY_LOW, "image-healthcheck", "/config/Healthcheck",
                           "asks another host whether it is well: %.120s", word);
    }
}

/* What came over the network while it was built is in no list of its parts. */
static void check_step(const char *step, size_t index, struct report *r)
{
    char at[64];
    const char *add = strstr(step, "ADD "), *url = add ? strstr(add, "://") : NULL;
    bool fetches = has_word(step, "curl") || has_word(step, "wget");
    bool pipes = strstr(step, "| sh") || strstr(step, "|sh") || strstr(step, "| bash") || strstr(step, "|bash");
    snprintf(at, sizeof at, "/history/%zu", index);
    if (url && (size_t)(url - add) < 256)
        report_finding(r, SEVERITY_LOW, "image-fetch", at, "a file was added from a URL: %.160s", add);
    else if (fetches && pipes)
        report_finding(r, SEVERITY_LOW, "image-fetch", at, "a script was fetched and run while it was built");
}

static void check_history(const json_t *history, struct report *r)
{
    const json_t *item;
    size_t i;
    json_array_foreach((json_t *)(uintptr_t)history, i, item)
    {
        check_step(json_get_string(item, "created_by", ""), i, r);
    }
}

static void check_config(const json_t *config, struct report *r)
{
    const char *key;
    json_t *item;
    size_t i;
    check_user(config, r);
    json_object_foreach(json_object_get((json_t *)(uintptr_t)config, "ExposedPorts"), key, item) check_port(key, r);
    json_object_foreach(json_object_get((json_t *)(uintptr_t)config, "Volumes"), key, item) check_volume(key, r);
    json_array_foreach(json_object_get((json_t *)(uintptr_t)config, "Env"), i, item)
    {
        if (json_is_string(item))
            check_variable(json_string_value(item), i, r);
    }
    check_command(json_object_get(config, "Entrypoint"), "/config/Entrypoint", r);
    check_command(json_object_get(config, "Cmd"), "/config/Cmd", r);
    check_health(json_object_get(json_object_get(config, "Healthcheck"), "Test"), r);
    if (json_array_size(json_object_get(config, "OnBuild")))
        report_finding(r, SEVERITY_LOW, "image-trigger", "/config/OnBuild",
                       "has commands that run in whatever is built on it");
}

void image_config_check(struct span file, struct report *r)
{
    struct err e = {0};
    auto_json root = json_parse(file, LIMIT_IMAGE_CONFIG_BYTES, "the image's configuration", &e);
    if (!root) {
        report_stop(r, SEVERITY_MEDIUM, "image-config", "", "%s", e.msg);
        return;
    }
    check_config(json_object_get(root, "config"), r);
    check_history(json_object_get(root, "history"), r);
}
