#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pictures.sh DIR - memory.svg, growth.svg and latency.svg out of the .dat files that bench left there.
set -u

command -v gnuplot >/dev/null || {
	echo "no pictures: there is no gnuplot (gnuplot-nox)"
	exit 0
}
cd "$1" || exit 1
shims=$(grep -c '^"' memory.dat)

gnuplot <<END
set terminal svg size 760,360 font "sans-serif,12" background "white"
set grid ytics lc rgb "#dddddd"
set border 3
set tics nomirror
set key outside top center horizontal

set logscale xy
set xrange [0.9:*]
set yrange [10:*]
set format y "%.0f"
set xlabel "shims, one container each"
set ylabel "PSS of each, KiB"
set output "memory.svg"
plot for [i=0:$shims-1] "memory.dat" index i using 1:2 with linespoints lw 2 pt 7 ps 0.5 title columnhead(1)

set xlabel "containers in one shim"
set ylabel "anonymous memory of the shim, KiB"
set output "growth.svg"
plot for [i=0:$shims-1] "growth.dat" index i using 1:3 with linespoints lw 2 pt 7 ps 0.5 title columnhead(1)

unset logscale
set logscale y
set xrange [*:*]
set yrange [1:*]
unset xlabel
set ylabel "microseconds, median"
set style data histogram
set style fill solid 0.8 noborder
set boxwidth 0.9
set offsets 0.2, 0.2, 0, 0
set output "latency.svg"
plot for [i=2:$shims+1] "latency.dat" using i:xtic(1) title columnhead(i)
END
echo "pictures: $1/memory.svg $1/growth.svg $1/latency.svg"
