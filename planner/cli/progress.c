#include "planner/cli/progress.h"

static double seconds_since(const struct timespec *then)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - then->tv_sec) + 1e-9 * (double)(now.tv_nsec - then->tv_nsec);
}

/* Only long work shows up, and not more than ten times a second. */
static bool show(void *context, const char *what, double best, double bound)
{
    cli_progress *p = context;
    if (seconds_since(&p->start) < 0.5 || seconds_since(&p->shown) < 0.1)
        return true;
    clock_gettime(CLOCK_MONOTONIC, &p->shown);
    p->visible = true;
    fprintf(stderr, "\r%s: %.0f s", what, seconds_since(&p->start));
    if (!isnan(best)) /* a map has none */
        fprintf(stderr, ", best %.6g, bound %.6g", best, bound);
    fputs("\033[K", stderr);
    return true;
}

void cli_progress_start(cli_progress *progress, const cli_settings *settings,
                        kerf_question *question)
{
    *progress = (cli_progress){.visible = false};
    clock_gettime(CLOCK_MONOTONIC, &progress->start);
    if (!settings->quiet && cli_is_terminal(stderr)) {
        question->progress = show;
        question->progress_context = progress;
    }
}

void cli_progress_end(cli_progress *progress)
{
    if (progress->visible)
        fputs("\r\033[K", stderr);
    progress->visible = false;
}
