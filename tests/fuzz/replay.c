/* Runs a fuzz target over every file of one folder, once, and says so in TAP: the seeds, and whatever a fuzzer once
 * found, stay tests. A folder without a file fails: a replay of nothing proves nothing. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Seeds are small: one that is larger was put there by mistake. */
#define SEED_MAX_BYTES (4u << 20)

static int skip_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* An exact heap copy, so that a sanitizer sees a read one byte past the end. */
static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    if (!file)
        return -1;
    if (fstat(fileno(file), &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > SEED_MAX_BYTES) {
        fclose(file);
        return -1;
    }
    size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size ? size : 1);
    int result = data && fread(data, 1, size, file) == size ? 0 : -1;
    fclose(file);
    if (result == 0)
        (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
    return result;
}

int main(int argc, char **argv)
{
    struct dirent **entries = NULL;
    int count = argc == 2 ? scandir(argv[1], &entries, skip_hidden, alphasort) : -1;
    int bad = 0;

    puts("1..1");
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", argv[1], entries[i]->d_name);
        printf("# %s\n", entries[i]->d_name);
        fflush(stdout); /* the last line names the seed that crashes */
        if (replay(path) < 0) {
            printf("# %s: not a readable file of at most %u bytes\n", path, SEED_MAX_BYTES);
            bad++;
        }
        free(entries[i]);
    }
    free(entries);
    if (count <= 0)
        printf("# no seeds in %s\n", argc == 2 ? argv[1] : "(no folder was named)");
    printf("%s 1 - %d inputs\n", count > 0 && bad == 0 ? "ok" : "not ok", count > 0 ? count : 0);
    return count > 0 && bad == 0 ? 0 : 1;
}
