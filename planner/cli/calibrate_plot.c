/* Predicted over measured, on logarithmic axes: points on the diagonal are right. */
#include "planner/cli/calibrate.h"
#include "planner/cli/gnuplot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOST_SERIES 8

/* Told apart also by the colour-blind (Okabe and Ito), and by their shapes. */
static const char *const colors[MOST_SERIES] = {"#0072B2", "#E69F00", "#009E73", "#CC79A7",
                                                "#56B4E9", "#D55E00", "#000000", "#999999"};

static double measured_of(const kerf_fit_row *row, bool energy)
{
    return energy ? row->measurement->energy_J : row->measurement->latency_s;
}

static double predicted_of(const kerf_fit_row *row, bool energy)
{
    return energy ? row->validated_energy_J : row->validated_latency_s;
}

static bool is_drawn(const kerf_fit_row *row, bool energy)
{
    return measured_of(row, energy) > 0 && predicted_of(row, energy) > 0;
}

/* Families with the most rows are series of their own, the last one is for all others. */
static size_t series_of(const cli_family_errors *families, const size_t *order, size_t n,
                        const kerf_fit_row *row)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(families[order[i]].family, cli_row_family(row)) == 0)
            return i;
    return n;
}

/* Indices of the families with the most rows; returns their number. */
static size_t largest(const cli_family_errors *families, size_t n, size_t *order)
{
    const size_t most = n <= MOST_SERIES ? n : MOST_SERIES - 1;
    for (size_t i = 0; i < most; i++) {
        size_t best = n;
        for (size_t k = 0; k < n; k++) {
            bool taken = false;
            for (size_t m = 0; m < i; m++)
                taken = taken || order[m] == k;
            if (!taken && (best == n || families[k].rows > families[best].rows))
                best = k;
        }
        order[i] = best;
    }
    return most;
}

static void draw_panel(FILE *script, const kerf_calibration *r, bool energy,
                       const cli_family_errors *families, size_t n_families)
{
    size_t order[MOST_SERIES];
    const size_t n = largest(families, n_families, order);
    const size_t series = n + (n < n_families);
    double low = INFINITY, high = 0;
    for (size_t s = 0; s < series; s++) {
        fprintf(script, "$s%d%zu << EOD\n", energy, s);
        for (size_t i = 0; i < r->n_rows; i++) {
            const kerf_fit_row *row = &r->rows[i];
            if (!is_drawn(row, energy) || series_of(families, order, n, row) != s)
                continue;
            const double m = 1e3 * measured_of(row, energy), p = 1e3 * predicted_of(row, energy);
            fprintf(script, "%.6g %.6g\n", m, p);
            low = fmin(low, fmin(m, p));
            high = fmax(high, fmax(m, p));
        }
        fputs("EOD\n", script);
    }
    const char *unit = energy ? "mJ" : "ms", *what = energy ? "energy" : "latency";
    fprintf(script,
            "set xrange [%.6g:%.6g]\nset yrange [%.6g:%.6g]\n"
            "set xlabel \"measured %s (%s)\"\nset ylabel \"predicted %s, left out (%s)\"\nplot "
            "'+' using 1:($1/1.2):($1*1.2) with filledcurves fillcolor rgb '#eeeeee' "
            "title \"within 20 %%\", x with lines linecolor rgb '#666666' notitle",
            low / 1.3, high * 1.3, low / 1.3, high * 1.3, what, unit, what, unit);
    for (size_t s = 0; s < series; s++) {
        fprintf(script,
                ", $s%d%zu using 1:2 with points pointtype %zu pointsize 0.6 "
                "linecolor rgb '%s' title ",
                energy, s, s + 4, colors[s]);
        cli_gnuplot_string(script, s < n ? families[order[s]].family : "others");
    }
    fputc('\n', script);
}

static bool write_script(FILE *script, const cli_calibration *c, const char *path)
{
    const kerf_calibration *r = c->result;
    const int panels = r->has_latency + r->has_energy;
    cli_gnuplot_begin(script, path, 560 * panels, 560);
    fputs("set logscale xy\nset samples 50\nset key left top noenhanced\nset grid linecolor rgb "
          "'#dddddd'\n",
          script);
    if (panels > 1)
        fputs("set multiplot layout 1,2\n", script);
    for (int energy = 0; energy < 2; energy++) {
        size_t n = 0;
        if (!(energy ? r->has_energy : r->has_latency))
            continue;
        cli_family_errors *families = cli_calibrate_families(r, energy, &n);
        if (!families)
            return false;
        draw_panel(script, r, energy, families, n);
        free(families);
    }
    if (panels > 1)
        fputs("unset multiplot\n", script);
    return true;
}

cli_exit cli_calibrate_plot(const cli_calibration *c)
{
    char description[200];
    FILE *script = tmpfile();
    if (!script)
        return cli_error(CLI_FAILED, "temporary file: %s", strerror(errno));
    snprintf(description, sizeof description,
             "%zu measurements and what fits without their groups predict, on logarithmic axes.",
             c->result->n_rows);
    cli_exit status =
        write_script(script, c, c->settings->plot)
            ? cli_gnuplot_run(script, c->settings->plot, "Predicted over measured", description)
            : cli_error(CLI_FAILED, "out of memory");
    fclose(script);
    return status;
}
