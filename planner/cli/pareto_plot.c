/* A picture of a Pareto front: device energy over latency, a flight of steps per accuracy. */
#include "planner/cli/gnuplot.h"
#include "planner/cli/pareto.h"

#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* Colours of accuracies, the most accurate first; from blue to orange, and again. */
static const char *const colors[] = {"#1f6fb4", "#2a9d8f", "#8ab17d",
                                     "#e9c46a", "#f4a261", "#e76f51"};
#define N_COLORS (sizeof colors / sizeof *colors)

typedef struct axis {
    double factor;
    const char *unit;
} axis;

static axis axis_of(double most, bool energy)
{
    if (most >= 1)
        return (axis){1, energy ? "J" : "s"};
    if (most >= 1e-3)
        return (axis){1e3, energy ? "mJ" : "ms"};
    return (axis){1e6, energy ? "\xc2\xb5J" : "\xc2\xb5s"};
}

typedef struct range {
    double low, high;
} range;

typedef struct picture {
    const cli_scene *scene;
    const kerf_front *front;
    axis x, y;             /* latency, energy */
    range latency, energy; /* in the axes' units */
    bool inside[2];        /* all device, all server: in the picture */
} picture;

static void include(range *r, double value)
{
    r->low = fmin(r->low, value);
    r->high = fmax(r->high, value);
}

/* Room around what is shown. */
static range frame(const range *r, double factor)
{
    const double span = r->high > r->low ? r->high - r->low : r->high;
    const double low = fmax(0, r->low - 0.15 * span), high = r->high + 0.15 * span;
    return (range){low * factor, high > 0 ? high * factor : 1};
}

/* An extreme far outside would squeeze the front into a corner. */
static picture picture_of(const cli_scene *scene, const kerf_front *front)
{
    picture p = {.scene = scene, .front = front};
    const kerf_option_plan *const ends[] = {&front->all_device, &front->all_server};
    range energy = {INFINITY, 0}, latency = {INFINITY, 0};
    for (size_t i = 0; i < front->n; i++) {
        include(&energy, front->points[i].plan.cost.device_energy_J);
        include(&latency, front->points[i].plan.cost.latency_s);
    }
    const range of_points[] = {energy, latency};
    for (int i = 0; i < 2; i++) {
        const double J = ends[i]->cost.device_energy_J, s = ends[i]->cost.latency_s;
        p.inside[i] = ends[i]->exists && J <= 2 * of_points[0].high && s <= 2 * of_points[1].high;
        if (p.inside[i]) {
            include(&energy, J);
            include(&latency, s);
        }
    }
    p.x = axis_of(latency.high, false);
    p.y = axis_of(energy.high, true);
    p.latency = frame(&latency, p.x.factor);
    p.energy = frame(&energy, p.y.factor);
    return p;
}

static double known(double accuracy)
{
    return isnan(accuracy) ? -1 : accuracy;
}

/* The next accuracy below `above` that the front has; -2 if there is none. */
static double next_accuracy(const kerf_front *front, double above)
{
    double next = -2;
    for (size_t i = 0; i < front->n; i++)
        if (known(front->points[i].accuracy) < above)
            next = fmax(next, known(front->points[i].accuracy));
    return next;
}

/* Points of one accuracy from low latency to high, with the ends of the steps; which = 0: steps,
 * 1: supported, 2: others. Returns how many there are. */
static size_t write_points(FILE *script, const picture *p, double accuracy, int which)
{
    size_t n = 0;
    double last = 0;
    for (size_t i = p->front->n; i-- > 0;) {
        const kerf_front_point *point = &p->front->points[i];
        if (known(point->accuracy) != accuracy || (which && point->supported != (which == 1)))
            continue;
        const double x = point->plan.cost.latency_s * p->x.factor;
        const double y = point->plan.cost.device_energy_J * p->y.factor;
        if (which == 0 && n == 0)
            fprintf(script, "%.9g %.9g\n", x, p->energy.high);
        fprintf(script, "%.9g %.9g\n", x, y);
        last = y;
        n++;
    }
    if (which == 0 && n > 0)
        fprintf(script, "%.9g %.9g\n", p->latency.high, last);
    return n;
}

static void write_data(FILE *script, const picture *p, size_t counts[][3], size_t most)
{
    double accuracy = next_accuracy(p->front, INFINITY);
    for (size_t level = 0; level < most && accuracy > -2; level++) {
        for (int which = 0; which < 3; which++) {
            fprintf(script, "$front%zu_%d << EOD\n", level, which);
            counts[level][which] = write_points(script, p, accuracy, which);
            fputs("EOD\n", script);
        }
        accuracy = next_accuracy(p->front, accuracy);
    }
    const kerf_option_plan *const ends[] = {&p->front->all_device, &p->front->all_server};
    for (int i = 0; i < 2; i++)
        fprintf(script, "$end%d << EOD\n%.9g %.9g\nEOD\n", i, ends[i]->cost.latency_s * p->x.factor,
                ends[i]->cost.device_energy_J * p->y.factor);
}

static void write_header(FILE *script, const picture *p, const char *path, const char *title)
{
    cli_gnuplot_begin(script, path, 900, 480);
    fputs("set title ", script);
    cli_gnuplot_string(script, title);
    fprintf(script,
            " noenhanced\n"
            "set border 3 linecolor rgb '#444444'\n"
            "set tics nomirror out\n"
            "set grid linecolor rgb '#dddddd' linewidth 1\n"
            "set key at screen 0.65,graph 0.98 left top vertical Left reverse samplen 1.5 "
            "spacing 1.3 noenhanced\n"
            "set lmargin at screen 0.09\n"
            "set rmargin at screen 0.63\n"
            "set xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\n"
            "set xlabel \"latency (%s)\"\nset ylabel \"device energy (%s)\"\n",
            p->latency.low, p->latency.high, p->energy.low, p->energy.high, p->x.unit, p->y.unit);
}

/* "front", or of which accuracy. */
static void write_level_title(FILE *script, const picture *p, double accuracy)
{
    char title[64] = "front";
    if (p->front->by_accuracy && accuracy < 0)
        snprintf(title, sizeof title, "accuracy not known");
    else if (p->front->by_accuracy)
        snprintf(title, sizeof title, "accuracy %.4g", accuracy);
    fputs("title ", script);
    cli_gnuplot_string(script, title);
}

/* One outside of the picture is in the key alone. */
static void write_extremes(FILE *script, const picture *p)
{
    static const char *const names[] = {"all on the device", "all on the server"};
    const kerf_option_plan *const ends[] = {&p->front->all_device, &p->front->all_server};
    for (int i = 0; i < 2; i++) {
        char title[128], energy[48], latency[48];
        if (!ends[i]->exists)
            continue;
        kerf_format_quantity(ends[i]->cost.device_energy_J, KERF_ENERGY, 3, energy, sizeof energy);
        kerf_format_quantity(ends[i]->cost.latency_s, KERF_TIME, 3, latency, sizeof latency);
        if (p->inside[i])
            snprintf(title, sizeof title, "%s", names[i]);
        else
            snprintf(title, sizeof title, "%s: %s, %s", names[i], energy, latency);
        fprintf(script,
                ", $end%d using 1:2 with points pointtype %d pointsize 1.4 linewidth 1.5 "
                "linecolor rgb '#444444' title ",
                i, i ? 12 : 4);
        cli_gnuplot_string(script, title);
    }
}

static void write_plot(FILE *script, const picture *p, size_t counts[][3], size_t most)
{
    double accuracy = next_accuracy(p->front, INFINITY);
    bool said[3] = {false, false, false};
    fputs("plot ", script);
    for (size_t level = 0; level < most && accuracy > -2; level++) {
        const char *color = colors[level % N_COLORS];
        fprintf(script, "%s$front%zu_0 using 1:2 with steps linewidth 1.5 linecolor rgb '%s' ",
                level ? ", " : "", level, color);
        write_level_title(script, p, accuracy);
        for (int which = 1; which < 3; which++) {
            if (counts[level][which] == 0)
                continue;
            fprintf(script,
                    ", $front%zu_%d using 1:2 with points pointtype %d pointsize 0.9 linewidth 1.5 "
                    "linecolor rgb '%s' ",
                    level, which, which == 1 ? 7 : 6, color);
            fputs(said[which]  ? "notitle"
                  : which == 1 ? "title \"least of a weighted sum\""
                               : "title \"other points\"",
                  script);
            said[which] = true;
        }
        accuracy = next_accuracy(p->front, accuracy);
    }
    write_extremes(script, p);
    fputc('\n', script);
}

#define MOST_LEVELS 64

cli_exit cli_pareto_plot(const cli_scene *scene, const kerf_front *front, const char *path)
{
    char title[256], description[256];
    size_t counts[MOST_LEVELS][3] = {{0}};
    const picture p = picture_of(scene, front);
    FILE *script = tmpfile();
    if (!script)
        return cli_error(CLI_FAILED, "temporary file: %s", strerror(errno));
    snprintf(title, sizeof title, "%.80s: %.40s to %.40s over %.40s", scene->question.network->name,
             scene->device->name, scene->server->name, scene->link->name);
    kerf_make_printable(title, '?'); /* also: no XML may hold what this takes away */
    snprintf(description, sizeof description,
             "Device energy over latency of one inference: %zu points of the Pareto front, %s.",
             front->n, front->complete ? "which is complete" : "of which some may be missing");
    write_data(script, &p, counts, MOST_LEVELS);
    write_header(script, &p, path, title);
    write_plot(script, &p, counts, MOST_LEVELS);
    const cli_exit status = cli_gnuplot_run(script, path, title, description);
    fclose(script);
    return status;
}
