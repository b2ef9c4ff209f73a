#include "report.h"

#include <inttypes.h>
#include <stdio.h>

static double ms(uint64_t us)
{
	return (double)us / 1000;
}

static double rate(const struct load_result *result)
{
	return result->seconds > 0 ? (double)result->done / result->seconds : 0;
}

/* A share of something for each request that was done. */
static double each(const struct report *report, double sum)
{
	return report->result->done > 0 ? sum / (double)report->result->done : 0;
}

static double cpu_us(const struct report *report, int process)
{
	return each(report, (report->after->cpu_s[process] - report->before->cpu_s[process]) * 1e6);
}

static double syncs(const struct report *report)
{
	return each(report, (double)(report->after->syncs - report->before->syncs));
}

static double bytes(const struct report *report)
{
	return each(report, (double)(report->after->write_bytes - report->before->write_bytes));
}

void report_load_json(const struct load_result *result)
{
	struct spread times = histogram_spread(&result->times);

	printf("\"done\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"seconds\":%.3f,\"rate\":%.1f",
		result->done, result->refused, result->lost, result->seconds, rate(result));
	printf(",\"p50_ms\":%.3f,\"p90_ms\":%.3f,\"p99_ms\":%.3f,\"p999_ms\":%.3f,\"max_ms\":%.3f",
		ms(times.p50), ms(times.p90), ms(times.p99), ms(times.p999), ms(times.max));
}

void report_json(const struct report *report)
{
	printf("{\"mode\":\"%s\",\"connections\":%" PRIu64 ",\"depth\":%" PRIu64 ",", report->mode,
		report->connections, report->depth);
	report_load_json(report->result);
	printf(",\"cpu_us_per_order\":{");
	for (int i = 0; i < METER_COUNT; i++)
		printf("%s\"%s\":%.2f", i > 0 ? "," : "", meter_names[i], cpu_us(report, i));
	printf("},\"fsyncs_per_order\":%.4f,\"write_bytes_per_order\":%.1f}\n", syncs(report),
		bytes(report));
}

void report_text(const struct report *report)
{
	const struct load_result *result = report->result;
	struct spread times = histogram_spread(&result->times);

	printf("%s: %" PRIu64 " done, %" PRIu64 " refused, %" PRIu64 " unanswered in %.2f s\n",
		report->mode, result->done, result->refused, result->lost, result->seconds);
	printf("rate     %.0f/s\n", rate(result));
	printf("latency  p50 %.3f ms, p99 %.3f ms, p99.9 %.3f ms, max %.3f ms\n", ms(times.p50),
		ms(times.p99), ms(times.p999), ms(times.max));
	printf("cpu each");
	for (int i = 0; i < METER_COUNT; i++)
		printf(" %s %.1f us", meter_names[i], cpu_us(report, i));
	printf("\ndisk     %.3f syncs and %.0f bytes an order\n", syncs(report), bytes(report));
	if (result->refused > 0)
		printf("the first refusal had code %" PRId64 "\n", result->first_code);
}
