/* Sampling the rails while a command runs. The parent sleeps until the next sample is due or a
 * signal arrives: that of the child's end marks the end of the run. */
#include "planner/cli/measure.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_S 0.01
#define GRACE_S  2 /* for a command that is to end */

typedef struct sampler {
    const cli_measurement *m;
    double *power_W;
    kerf_integral *rail, total;
    double period_s;
    sigset_t signals, before;
} sampler;

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Signals that end a run are waited for, not caught. */
static bool open_sampler(sampler *s, const cli_measurement *m)
{
    const size_t n = m->rails->n;
    *s =
        (sampler){.m = m, .period_s = m->settings->period_s > 0 ? m->settings->period_s : PERIOD_S};
    s->power_W = kerf_calloc(n, sizeof *s->power_W);
    s->rail = kerf_calloc(n, sizeof *s->rail);
    sigemptyset(&s->signals);
    sigaddset(&s->signals, SIGCHLD);
    sigaddset(&s->signals, SIGINT);
    sigaddset(&s->signals, SIGTERM);
    sigaddset(&s->signals, SIGHUP);
    /* A parent may have left it ignored, and then the end of a child is never told. */
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_BLOCK, &s->signals, &s->before);
    return s->power_W && s->rail;
}

static void close_sampler(sampler *s)
{
    const struct timespec none = {0};
    while (sigtimedwait(&s->signals, NULL, &none) > 0) {
    }
    sigprocmask(SIG_SETMASK, &s->before, NULL);
    free(s->power_W);
    free(s->rail);
}

/* The time of a sample is the middle of its reading. */
static kerf_status sample(sampler *s, kerf_error *err)
{
    const double before_s = now_s();
    const kerf_status status = kerf_rails_read(s->m->rails, s->power_W, err);
    if (status != KERF_OK)
        return status;
    const double time_s = 0.5 * (before_s + now_s());
    for (size_t i = 0; i < s->m->rails->n; i++)
        kerf_integral_add(&s->rail[i], time_s, s->power_W[i]);
    kerf_integral_add(&s->total, time_s, kerf_rails_total_W(s->m->rails, s->power_W));
    return KERF_OK;
}

/* Sleeps until a time, or until one of the signals comes, which is returned; 0: none. */
static int wait_until(const sampler *s, double until_s)
{
    const double left_s = until_s - now_s();
    struct timespec timeout = {0};
    if (left_s > 0) {
        timeout.tv_sec = (time_t)left_s;
        timeout.tv_nsec = (long)(1e9 * (left_s - (double)timeout.tv_sec));
    }
    const int signal = sigtimedwait(&s->signals, NULL, &timeout);
    return signal > 0 ? signal : 0;
}

static double next_due(const sampler *s, double due_s)
{
    due_s += s->period_s;
    const double now = now_s();
    return due_s > now ? due_s : now;
}

/* --- the idle board --- */

cli_exit cli_measure_idle(cli_measurement *m)
{
    sampler s;
    kerf_error err = {0};
    kerf_status status = open_sampler(&s, m) ? KERF_OK : KERF_E_NOMEM;
    int signal = 0;
    const double start_s = now_s(), end_s = start_s + m->settings->idle_s;
    for (double due_s = start_s; status == KERF_OK && !signal && now_s() < end_s;) {
        status = sample(&s, &err);
        due_s = next_due(&s, due_s);
        signal = wait_until(&s, due_s < end_s ? due_s : end_s);
    }
    kerf_integral_end(&s.total, start_s, now_s(), &m->idle);
    close_sampler(&s);
    if (status == KERF_E_NOMEM)
        return cli_error(CLI_FAILED, "out of memory");
    if (status != KERF_OK)
        return cli_report(CLI_FAILED, &err);
    if (signal)
        return cli_error(CLI_FAILED, "interrupted while the idle board was measured");
    if (m->idle.samples < 2)
        return cli_error(CLI_FAILED, "--idle: too short for two samples, expected a longer time");
    m->idle_measured = true;
    return CLI_DONE;
}

/* --- a command --- */

/* In the child: never returns. What cannot be executed is told through the pipe. */
static void become(char *const *argv, const sigset_t *mask, int report)
{
    sigprocmask(SIG_SETMASK, mask, NULL);
    signal(SIGPIPE, SIG_DFL);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    execvp(argv[0], argv);
    const int code = errno;
    const ssize_t told = write(report, &code, sizeof code);
    _exit(told == (ssize_t)sizeof code ? 127 : 126);
}

static pid_t start_command(const sampler *s, char *const *argv, int *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        *error = errno;
        return -1;
    }
    const pid_t child = fork();
    if (child == 0)
        become(argv, &s->before, ends[1]);
    *error = child < 0 ? errno : 0;
    close(ends[1]);
    int code = 0;
    if (child > 0 && read(ends[0], &code, sizeof code) == (ssize_t)sizeof code) {
        *error = code;
        waitpid(child, NULL, 0);
    }
    close(ends[0]);
    return *error ? -1 : child;
}

/* What does not end when it is asked to is killed after a while. */
static void end_child(const sampler *s, pid_t child)
{
    const double until_s = now_s() + GRACE_S;
    kill(child, SIGTERM);
    while (waitpid(child, NULL, WNOHANG) == 0) {
        if (now_s() < until_s) {
            wait_until(s, until_s);
            continue;
        }
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        return;
    }
}

typedef struct ended {
    double end_s;
    int how; /* as waitpid tells */
    bool interrupted;
} ended;

/* Samples until the child has ended; a sensor that fails ends the child too. */
static kerf_status watch(sampler *s, pid_t child, double start_s, ended *e, kerf_error *err)
{
    for (double due_s = start_s;;) {
        const kerf_status status = sample(s, err);
        if (status != KERF_OK) {
            end_child(s, child);
            return status;
        }
        due_s = next_due(s, due_s);
        const int signal = wait_until(s, due_s);
        e->end_s = now_s();
        if (signal == SIGCHLD && waitpid(child, &e->how, WNOHANG) == child)
            return KERF_OK;
        if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP) {
            e->interrupted = true;
            end_child(s, child);
            return KERF_OK;
        }
    }
}

static cli_exit judge(const ended *e, const char *command)
{
    char name[128];
    cli_clean(command, name, sizeof name);
    if (e->interrupted)
        return cli_error(CLI_FAILED, "%s: interrupted", name);
    if (WIFSIGNALED(e->how))
        return cli_error(CLI_FAILED, "%s: ended by signal %d, expected it to end with status 0",
                         name, WTERMSIG(e->how));
    if (WEXITSTATUS(e->how) != 0)
        return cli_error(CLI_FAILED, "%s: ended with status %d, expected 0", name,
                         WEXITSTATUS(e->how));
    return CLI_DONE;
}

static cli_exit conclude(const sampler *s, double start_s, double end_s, cli_run *run)
{
    const size_t n = s->m->rails->n;
    run->rail = kerf_calloc(n, sizeof *run->rail);
    if (!run->rail)
        return cli_error(CLI_FAILED, "out of memory");
    kerf_integral_end(&s->total, start_s, end_s, &run->total);
    for (size_t i = 0; i < n; i++)
        kerf_integral_end(&s->rail[i], start_s, end_s, &run->rail[i]);
    return CLI_DONE;
}

cli_exit cli_measure_command(cli_measurement *m, char *const *argv, cli_run *run)
{
    sampler s;
    kerf_error err = {0};
    ended e = {0};
    char name[128];
    cli_exit exit_status = CLI_FAILED;
    if (!open_sampler(&s, m)) {
        cli_error(CLI_FAILED, "out of memory");
        goto out;
    }
    int error = 0;
    const double start_s = now_s();
    const pid_t child = start_command(&s, argv, &error);
    if (child < 0) {
        cli_error(CLI_FAILED, "%s: cannot run: %s", cli_clean(argv[0], name, sizeof name),
                  strerror(error));
        goto out;
    }
    if (watch(&s, child, start_s, &e, &err) != KERF_OK)
        exit_status = cli_report(CLI_FAILED, &err);
    else
        exit_status = judge(&e, argv[0]);
    if (exit_status == CLI_DONE)
        exit_status = conclude(&s, start_s, e.end_s, run);
out:
    close_sampler(&s);
    return exit_status;
}
