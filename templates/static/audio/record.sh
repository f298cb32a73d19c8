#!/bin/sh
# Records the spoken digits once: 8 kHz, 8 bits, mono, silence trimmed. Needs espeak-ng and sox.
set -eu
cd "$(dirname "$0")"

record() { # language, voice, digit, word
    mkdir -p "$1"
    espeak-ng -v "$2" -s 110 -w raw.wav "$4"
    sox --no-dither raw.wav -r 8000 -c 1 -b 8 -e unsigned-integer "$1/$3.wav" \
        gain -6 highpass 120 silence 1 0.01 0.3% reverse silence 1 0.01 0.3% reverse norm -2
    rm raw.wav
}

digit=1
for word in một hai ba bốn năm sáu bảy tám chín; do
    record vi vi "$digit" "$word"
    digit=$((digit + 1))
done
digit=1
for word in one two three four five six seven eight nine; do
    record en en-gb "$digit" "$word"
    digit=$((digit + 1))
done
