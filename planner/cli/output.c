#include "planner/cli/output.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void cli_streams_init(void)
{
    /* Opened in ascending order, so that open() yields the number that is missing. */
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
            continue;
        /* Writing to stdout then fails, as it should: nobody would get the answer. */
        const int got = open("/dev/null", fd == 2 ? O_WRONLY : O_RDONLY);
        if (got >= 0 && got != fd)
            close(got);
    }
    signal(SIGPIPE, SIG_IGN);
}

/* `kerf inspect net.onnx | head`: whoever reads has seen enough, and wants no error. */
static bool reader_is_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
}

cli_exit cli_streams_finish(cli_exit so_far)
{
    const bool gone = reader_is_gone();
    errno = 0;
    const bool unflushed = fflush(stdout) != 0; /* says why also where writing failed before */
    const bool failed = unflushed || ferror(stdout);
    const int reason = errno;
    if (!failed && fclose(stdout) == 0)
        return so_far;
    if (gone)
        return CLI_FAILED;
    return cli_error(CLI_FAILED, "standard output: %s",
                     strerror(reason ? reason : (errno ? errno : EIO)));
}

const char *cli_clean(const char *text, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s", text);
    kerf_make_printable(buffer, '?');
    return buffer;
}

static void line_to_stderr(const char *prefix, const char *format, va_list arguments)
{
    char text[2048], clean[2048];
    vsnprintf(text, sizeof text, format, arguments);
    fprintf(stderr, "%s%s\n", prefix, cli_clean(text, clean, sizeof clean));
}

cli_exit cli_error(cli_exit status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    line_to_stderr("kerf: ", format, arguments);
    va_end(arguments);
    return status;
}

cli_exit cli_report(cli_exit status, const kerf_error *err)
{
    char line[sizeof *err];
    return cli_error(status, "%s", kerf_error_line(err, line, sizeof line));
}

void cli_warning(bool quiet, const char *format, ...)
{
    if (quiet)
        return;
    va_list arguments;
    va_start(arguments, format);
    line_to_stderr("kerf: warning: ", format, arguments);
    va_end(arguments);
}

cli_exit cli_exit_of(kerf_status status)
{
    switch (status) {
    case KERF_OK:
        return CLI_DONE;
    case KERF_E_INFEASIBLE:
        return CLI_INFEASIBLE;
    default:
        return CLI_FAILED;
    }
}

bool cli_is_terminal(FILE *stream)
{
    const char *terminal = getenv("TERM");
    return isatty(fileno(stream)) && !(terminal && strcmp(terminal, "dumb") == 0);
}

bool cli_wants_color(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR");
    return !(no_color && *no_color) && cli_is_terminal(stream);
}

void cli_wrap(FILE *stream, const char *text, size_t column, size_t indent, size_t width)
{
    bool first = true;
    for (;;) {
        text += strspn(text, " \t\n");
        const size_t word = strcspn(text, " \t\n");
        if (word == 0)
            break;
        if (!first && column + 1 + word > width) {
            fprintf(stream, "\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            fputc(' ', stream);
            column++;
        }
        fwrite(text, 1, word, stream);
        column += word;
        text += word;
        first = false;
    }
    fputc('\n', stream);
}

cli_number cli_quantity(double value, kerf_quantity kind, int digits)
{
    cli_number n = {""};
    if (isfinite(value))
        kerf_format_quantity(value, kind, digits, n.text, sizeof n.text);
    else
        snprintf(n.text, sizeof n.text, "%g", value);
    return n;
}

bool cli_print_answer(void (*say)(FILE *out, const void *context), const void *context)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return false;
    say(out, context);
    const bool written = fclose(out) == 0 && text; /* glibc may close without having a buffer */
    if (written) {
        kerf_make_printable(text, '?');
        const bool color = cli_wants_color(stdout);
        fputs(color ? "\033[1m" : "", stdout);
        cli_wrap(stdout, text, 0, 0, CLI_WIDTH);
        fputs(color ? "\033[0m\n" : "\n", stdout);
    }
    free(text);
    return written;
}
