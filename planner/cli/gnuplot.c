#include "planner/cli/gnuplot.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_PICTURE 100000000 /* bytes that gnuplot may write */

void cli_gnuplot_string(FILE *script, const char *text)
{
    fputc('"', script);
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\' || c == '`' || c == '$' || c == '@' || c == '%')
            fprintf(script, "\\%03o", c);
        else
            fputc(c < 0x20 || c == 0x7f ? '?' : c, script);
    }
    fputc('"', script);
}

/* --- the child --- */

/* Starts gnuplot reading `in`, writing the picture to `out` and its complaints to `log`. */
static int spawn_gnuplot(pid_t *child, int in, int out, int log)
{
    static char name[] = "gnuplot";
    char *const arguments[] = {name, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    int failure = posix_spawn_file_actions_init(&files);
    if (failure)
        return failure;
    failure = posix_spawnattr_init(&attributes);
    if (failure) {
        posix_spawn_file_actions_destroy(&files);
        return failure;
    }
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE); /* which this process ignores */
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    failure = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    if (!failure)
        failure = posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    if (!failure)
        failure = posix_spawn_file_actions_adddup2(&files, log, STDERR_FILENO);
    if (!failure)
        failure = posix_spawnp(child, name, &files, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return failure;
}

/* The first line of gnuplot's complaints that says something. */
static void first_complaint(FILE *log, char *line, size_t size)
{
    line[0] = '\0';
    rewind(log);
    char text[256];
    while (fgets(text, sizeof text, log)) {
        const char *start = text + strspn(text, " \t^");
        if (*start == '\n' || !*start)
            continue;
        snprintf(line, size, "%.*s", (int)strcspn(start, "\n"), start);
        if (strstr(start, "line "))
            return;
    }
}

static cli_exit run(FILE *script, int out)
{
    FILE *log = tmpfile();
    if (!log)
        return cli_error(CLI_FAILED, "temporary file: %s", strerror(errno));
    cli_exit status = CLI_DONE;
    pid_t child = 0;
    int result = 0;
    const int failure = spawn_gnuplot(&child, fileno(script), out, fileno(log));
    if (failure == ENOENT) {
        status = cli_error(CLI_FAILED, "--plot needs gnuplot, which was not found in $PATH; "
                                       "install it (Debian, Ubuntu: gnuplot-nox)");
        goto out;
    }
    if (failure) {
        status = cli_error(CLI_FAILED, "gnuplot: %s", strerror(failure));
        goto out;
    }
    while (waitpid(child, &result, 0) < 0)
        if (errno != EINTR)
            break;
    if (!WIFEXITED(result) || WEXITSTATUS(result) != 0) {
        char line[256];
        first_complaint(log, line, sizeof line);
        if (WIFEXITED(result) && WEXITSTATUS(result) == 127)
            status = cli_error(CLI_FAILED, "--plot needs gnuplot, which could not be started");
        else
            status = cli_error(CLI_FAILED, "gnuplot failed: %s", line[0] ? line : "it ended early");
    }
out:
    fclose(log);
    return status;
}

/* --- the picture --- */

static void xml_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            fputs("&amp;", out);
        else if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '>')
            fputs("&gt;", out);
        else
            fputc((unsigned char)*text < 0x20 ? '?' : *text, out);
    }
}

/* Copies text with what stands between two marks replaced; false if the marks are not there. */
static bool copy_replacing(FILE *out, const char **text, const char *open, const char *close,
                           const char *content)
{
    const char *start = strstr(*text, open);
    const char *end = start ? strstr(start, close) : NULL;
    if (!end)
        return false;
    start += strlen(open);
    fwrite(*text, 1, (size_t)(start - *text), out);
    xml_text(out, content);
    *text = end;
    return true;
}

static char *read_back(FILE *from, size_t *size)
{
    struct stat info;
    if (fstat(fileno(from), &info) != 0 || info.st_size <= 0 || info.st_size > MAX_PICTURE)
        return NULL;
    char *text = kerf_calloc((size_t)info.st_size + 1, 1);
    rewind(from);
    *size = text ? fread(text, 1, (size_t)info.st_size, from) : 0;
    if (text && *size != (size_t)info.st_size) {
        free(text);
        text = NULL;
    }
    return text;
}

/* gnuplot titles every SVG "Gnuplot": readers of screens deserve better. */
static bool write_picture(FILE *drawn, FILE *to, bool svg, const char *title,
                          const char *description)
{
    size_t size = 0;
    char *picture = read_back(drawn, &size);
    if (!picture)
        return false;
    const char *rest = picture;
    if (svg && copy_replacing(to, &rest, "<title>", "</title>", title))
        copy_replacing(to, &rest, "<desc>", "</desc>", description);
    fwrite(rest, 1, size - (size_t)(rest - picture), to);
    free(picture);
    return !ferror(to) && fflush(to) == 0;
}

/* Writes beside the target and renames, so that the target is never half a picture. */
static cli_exit publish(FILE *drawn, const char *path, const char *title, const char *description)
{
    const char *dot = strrchr(path, '.');
    const bool svg = dot && strcmp(dot, ".svg") == 0;
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return cli_error(CLI_FAILED, "out of memory");
    cli_exit status = CLI_DONE;
    const int fd = mkstemp(temporary);
    FILE *to = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (!to) {
        status = cli_error(CLI_FAILED, "%s: cannot write: %s", path, strerror(errno));
        if (fd >= 0) {
            close(fd);
            unlink(temporary);
        }
        free(temporary);
        return status;
    }
    const mode_t mask = umask(0);
    umask(mask);
    errno = 0;
    bool done = write_picture(drawn, to, svg, title, description) && fchmod(fd, 0666 & ~mask) == 0;
    done = fclose(to) == 0 && done;
    if (!done || rename(temporary, path) != 0) {
        status = cli_error(CLI_FAILED, "%s: cannot write: %s", path,
                           errno ? strerror(errno) : "gnuplot drew nothing");
        unlink(temporary);
    }
    free(temporary);
    return status;
}

cli_exit cli_gnuplot_run(FILE *script, const char *path, const char *title, const char *description)
{
    FILE *drawn = tmpfile();
    if (!drawn)
        return cli_error(CLI_FAILED, "temporary file: %s", strerror(errno));
    cli_exit status = CLI_DONE;
    if (fflush(script) != 0 || lseek(fileno(script), 0, SEEK_SET) < 0)
        status = cli_error(CLI_FAILED, "temporary file: %s", strerror(errno));
    if (status == CLI_DONE)
        status = run(script, fileno(drawn));
    if (status == CLI_DONE)
        status = publish(drawn, path, title, description);
    fclose(drawn);
    return status;
}

void cli_gnuplot_begin(FILE *script, const char *path, int width, int height)
{
    const char *dot = strrchr(path, '.');
    if (dot && strcmp(dot, ".svg") == 0)
        fprintf(script,
                "set terminal svg noenhanced size %d,%d font 'sans-serif,14' background rgb "
                "'white'\n",
                width, height);
    else
        fprintf(script,
                "set terminal pngcairo noenhanced size %d,%d font 'sans,14' fontscale 1.6 "
                "linewidth 1.6 background rgb 'white'\n",
                2 * width, 2 * height);
    fputs("set encoding utf8\n", script);
}
