/* Measuring energy on a board: its power rails, and power integrated over time.
 *
 *     kerf_rails *rails = NULL;
 *     if (kerf_rails_find(NULL, &rails, &err) == KERF_OK &&
 *         kerf_rails_choose(rails, NULL, 0, &err) == KERF_OK) {
 *         kerf_integral energy = {0};
 *         ... kerf_rails_read(rails, power_W, &err) at time t, as often as may be:
 *             kerf_integral_add(&energy, t, kerf_rails_total_W(rails, power_W));
 *         kerf_energy of_run;
 *         kerf_integral_end(&energy, start_s, end_s, &of_run);
 *         kerf_rails_destroy(&rails);
 *     }
 *
 * The rails are the channels of INA3221 monitors, found through sysfs in either of its layouts:
 * NVIDIA's ina3221x driver (JetPack 4: TX1, TX2, Nano, Xavier), which gives milliwatts, and
 * Linux's ina3221 hwmon driver (JetPack 5 and later), which gives millivolts and milliamperes.
 */
#ifndef KERF_MEASURE_H
#define KERF_MEASURE_H

#include "status.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kerf_rail {
    char *name;    /* "VDD_IN" */
    char *power;   /* file that tells milliwatts; NULL: voltage times current */
    char *voltage; /* file that tells millivolts */
    char *current; /* file that tells milliamperes */
    bool in_total; /* one of those that add up to the board's power */
} kerf_rail;

typedef struct kerf_rails {
    char *board; /* the device tree's model, "" if it does not say */
    kerf_rail *list;
    size_t n;
} kerf_rails;

/* Finds the rails under a sysfs root (NULL: "/sys"); none of them is in the total yet. The caller
 * owns *rails. KERF_E_IO: no monitor (the message names the places looked at). */
KERF_API kerf_status kerf_rails_find(const char *sysfs, kerf_rails **rails, kerf_error *err);
KERF_API void kerf_rails_destroy(kerf_rails **rails);

/* Chooses the rails that add up to the board's power: the n names given or, for n 0, what is known
 * of the board. A rail called VDD_IN or POM_5V_IN is the supply of the whole module, and enough.
 * KERF_E_INVALID: a name that is no rail, or is given twice; a board of which it is not known (the
 * message lists its rails). */
KERF_API kerf_status kerf_rails_choose(kerf_rails *rails, const char *const *names, size_t n,
                                       kerf_error *err);

/* Reads every rail once into power_W, rails->n entries. KERF_E_IO: a sensor that is gone;
 * KERF_E_INVALID: text in the place of a number, a figure that no board draws (above 200 W, or
 * below -2 W, which is more than a monitor's offset). */
KERF_API kerf_status kerf_rails_read(const kerf_rails *rails, double *power_W, kerf_error *err);

/* The board's power: the sum of the rails that are in the total. */
KERF_API double kerf_rails_total_W(const kerf_rails *rails, const double *power_W);

/* Power integrated by the trapezoidal rule, in constant memory. Start zeroed. */
typedef struct kerf_integral {
    size_t samples;
    double first_s, first_W, last_s, last_W;
    double energy_J;           /* from the first to the last sample */
    double coarse_s, coarse_W; /* the last of every other sample */
    double coarse_J;           /* integral over every other sample */
    double fine_J;             /* energy_J when that sample was taken */
    double least_W, most_W;
    double longest_s; /* between two samples */
} kerf_integral;

typedef struct kerf_energy {
    double duration_s, energy_J, average_W, least_W, most_W;
    size_t samples;
    double period_s;  /* mean time between samples */
    double longest_s; /* longest time without one, the ends included */
    double error_J;   /* of sampling: see kerf_integral_end */
} kerf_energy;

/* A sample; times that do not increase are passed over. */
KERF_API void kerf_integral_add(kerf_integral *integral, double time_s, double power_W);

/* Energy from start to end: the power of the first and last samples is taken to reach the ends.
 * error_J estimates what sampling has missed: a third of the difference between this integral and
 * the one over every other sample (Richardson's estimate for the trapezoidal rule), and at either
 * end half the range of the power for the time without a sample.
 * Fewer than 2 samples: everything but duration_s and samples is NAN. */
KERF_API void kerf_integral_end(const kerf_integral *integral, double start_s, double end_s,
                                kerf_energy *energy);

/* Mean of n values, their sample standard deviation, and half the width of the 95 % confidence
 * interval of the mean by Student's t (both NAN for n < 2). */
typedef struct kerf_summary {
    size_t n;
    double mean, deviation, confidence;
} kerf_summary;
KERF_API void kerf_summarise(const double *values, size_t n, kerf_summary *summary);

/* A log of tegrastats: the rails of its lines ("VDD_IN 5226mW/5230mW", "VDD_IN 2345/2340": now and
 * on average, of which the first counts), one line every interval. */
typedef struct kerf_tegrastats {
    kerf_rails *rails;
    kerf_integral *rail; /* rails->n entries */
    kerf_integral total;
    size_t lines, skipped; /* with rails, and without (those are passed over) */
    double stamped_s; /* between two lines, as their own dates and times say; NAN: they have none */
    double stamped_error_s; /* of that, as times are told in whole seconds */
} kerf_tegrastats;

/* Reads a log of at most 256 MB whose lines are interval_s apart, whatever times they tell
 * themselves (see stamped_s). The rails of the total are chosen as by kerf_rails_choose.
 * KERF_E_IO, KERF_E_SYNTAX (where: the line), KERF_E_INVALID (no line has rails, a line lacks one
 * that others have, ...), KERF_E_TOO_LARGE. The caller owns *log. */
KERF_API kerf_status kerf_tegrastats_load(const char *path, double interval_s,
                                          const char *const *chosen, size_t n,
                                          kerf_tegrastats **log, kerf_error *err);
KERF_API void kerf_tegrastats_destroy(kerf_tegrastats **log);

#ifdef __cplusplus
}
#endif
#endif
