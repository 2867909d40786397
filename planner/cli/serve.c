/* kerf serve: the service with its options, signals and log. */
#include "planner/cli/commands.h"
#include "planner/cli/find.h"
#include "planner/cli/notify.h"
#include "planner/service/service.h"

#include "base/json_write.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Signal handlers know no context. Written before they are installed, and cleared after. */
static service *signalled;

static void on_signal(int number)
{
    service_signal(signalled, number == SIGHUP ? SERVICE_RELOAD : SERVICE_STOP);
}

static void handle_signals(void (*handler)(int))
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

/* --- log: one line each, of logfmt or of JSON --- */

static void put_value(FILE *stream, const char *value)
{
    char clean[1024];
    cli_clean(value, clean, sizeof clean);
    if (*clean && !strpbrk(clean, " \"=\\")) {
        fputs(clean, stream);
        return;
    }
    fputc('"', stream);
    for (const char *c = clean; *c; c++) {
        if (*c == '"' || *c == '\\')
            fputc('\\', stream);
        fputc(*c, stream);
    }
    fputc('"', stream);
}

static void write_json_log(const char *when, long ms, const char *level, const char *message,
                           const service_field *fields, size_t n)
{
    char time[48];
    kerf_writer w = {0};
    snprintf(time, sizeof time, "%s.%03ldZ", when, ms);
    kw_begin(&w, '{');
    kw_put_string(&w, "time", time);
    kw_put_string(&w, "level", level);
    kw_put_string(&w, "msg", message);
    for (size_t i = 0; i < n; i++)
        kw_put_string(&w, fields[i].key, fields[i].value);
    kw_end(&w, '}');
    kw_raw(&w, "\n", 1);
    if (kw_finish(&w))
        fputs(w.text, stderr);
    free(w.text);
}

static void write_log(void *context, service_level level, const char *message,
                      const service_field *fields, size_t n)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    const cli_settings *settings = context;
    const service_level most = settings->quiet     ? SERVICE_ERROR
                               : settings->verbose ? SERVICE_DEBUG
                                                   : SERVICE_INFO;
    if (level > most)
        return;
    struct timespec now;
    struct tm utc;
    char when[32] = "";
    clock_gettime(CLOCK_REALTIME, &now);
    if (gmtime_r(&now.tv_sec, &utc))
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    if (settings->json_log) {
        write_json_log(when, now.tv_nsec / 1000000, names[level], message, fields, n);
        return;
    }
    flockfile(stderr); /* lines of several threads do not mix */
    fprintf(stderr, "time=%s.%03ldZ level=%s msg=", when, now.tv_nsec / 1000000, names[level]);
    put_value(stderr, message);
    for (size_t i = 0; i < n; i++) {
        fprintf(stderr, " %s=", fields[i].key);
        put_value(stderr, fields[i].value);
    }
    fputc('\n', stderr);
    funlockfile(stderr);
}

/* --- the command --- */

/* A descriptor for every board: the soft limit is often 1024. */
static void raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void tell_watchdog(void *context)
{
    (void)context;
    cli_notify("WATCHDOG=1");
}

static service_options options_of(const cli_settings *settings)
{
    return (service_options){.binds = settings->binds.items,
                             .n_binds = settings->binds.n,
                             .publish = settings->publish,
                             .insecure = settings->insecure,
                             .curve_secret = settings->curve_secret,
                             .authorized_keys = settings->authorized_keys,
                             .metrics = settings->metrics,
                             .alive_s = cli_watchdog_s(),
                             .alive = tell_watchdog,
                             .folders = settings->catalogues.items,
                             .n_folders = settings->catalogues.n,
                             .threads = (size_t)settings->threads,
                             .io_threads = (size_t)settings->io_threads,
                             .cache_bytes = (size_t)settings->cache_bytes,
                             .device_bytes = (size_t)settings->device_bytes,
                             .max_jobs = (size_t)settings->max_jobs,
                             .time_limit_s = settings->time_limit_s,
                             .margin = settings->margin,
                             .estimate_weight = settings->estimate_weight,
                             .estimate_expiry_s = settings->estimate_expiry_s,
                             .drain_s = settings->drain_s,
                             .log = write_log,
                             .log_context = (void *)settings};
}

static void print_endpoints(const service *s)
{
    for (size_t i = 0; service_endpoint(s, i); i++)
        printf("%s\n", service_endpoint(s, i));
    if (service_publish_endpoint(s))
        printf("publish %s\n", service_publish_endpoint(s));
    if (service_metrics_port(s))
        printf("metrics %u\n", service_metrics_port(s));
    fflush(stdout);
}

static cli_exit serve(const service_options *options)
{
    kerf_error err = {0};
    kerf_status status = service_create(options, &signalled, &err);
    if (status == KERF_OK) {
        handle_signals(on_signal);
        print_endpoints(signalled);
        cli_notify("READY=1");
        status = service_run(signalled, &err);
        cli_notify("STOPPING=1");
        handle_signals(SIG_IGN);
    }
    service_destroy(&signalled);
    if (status == KERF_E_INVALID)
        return cli_report(CLI_USAGE, &err);
    return status == KERF_OK ? CLI_DONE : cli_report(CLI_FAILED, &err);
}

cli_exit cli_serve(const cli_settings *settings)
{
    service_options options = options_of(settings);
    kerf_error err = {0};
    char **folders = NULL;
    size_t n = 0;
    if (options.n_folders == 0) {
        if (cli_find_folders(&folders, &n, &err) != KERF_OK)
            return cli_report(CLI_FAILED, &err);
        options.folders = (const char *const *)folders;
        options.n_folders = n;
    }
    raise_descriptors();
    const cli_exit status = serve(&options);
    cli_folders_clear(folders, n);
    return status;
}
