#!/bin/sh
# Records the spoken digits once, each by three voices: 8 kHz, 8 bits, mono, silence trimmed. Needs espeak-ng and sox.
set -eu
cd "$(dirname "$0")"

record() { # language, number of the voice, voice, words per minute, the words for 0 to 9
    folder=$1/$2 voice=$3 speed=$4
    shift 4
    mkdir -p "$folder"
    digit=0
    for word; do
        espeak-ng -v "$voice" -s "$speed" -w raw.wav "$word"
        sox --no-dither raw.wav -r 8000 -c 1 -b 8 -e unsigned-integer "$folder/$digit.wav" \
            gain -6 highpass 120 silence 1 0.01 1% reverse silence 1 0.01 1% reverse norm -2
        rm raw.wav
        digit=$((digit + 1))
    done
}

vietnamese="không một hai ba bốn năm sáu bảy tám chín"
english="zero one two three four five six seven eight nine"

# shellcheck disable=SC2086 # Ten words each.
{
    record vi 0 vi 115 $vietnamese
    record vi 1 vi+f2 120 $vietnamese
    record vi 2 vi-vn-x-south+m3 115 $vietnamese
    record en 0 en-gb 140 $english
    record en 1 en-us+f3 145 $english
    record en 2 en-gb-scotland+m7 140 $english
}
