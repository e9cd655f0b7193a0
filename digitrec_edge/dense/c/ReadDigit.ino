// Reads one picture and says what is on it: open the serial monitor at 115200 baud.
#include <digitrec.h>

// 28 rows of 28 pixels: 0 is paper, 255 is ink. Fill one such from a camera or a touch panel; README.md says how the
// sign must lie in it. This one is read as @answer@.
static const uint8_t picture[DIGITREC_PIXELS] = {
@picture@
};

void setup() {
  Serial.begin(115200);
  while (!Serial) {
  }
}

void loop() {
  unsigned long start = micros();
  int label = digitrec_classify(picture);
  unsigned long us = micros() - start;
  if (label < 0) {
    Serial.print(F("no sign"));
  } else {
    Serial.print(F("number "));
    Serial.print(label);
  }
  Serial.print(F(", us: "));
  Serial.println(us);
  delay(1000);
}
