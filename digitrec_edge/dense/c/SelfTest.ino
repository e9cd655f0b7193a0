// Whether this board computes what the desk did: open the serial monitor at 115200 baud.
#include <digitrec.h>

void setup() {
  Serial.begin(115200);
  while (!Serial) {
  }
}

void loop() {
  unsigned long start = micros();
  int wrong = digitrec_self_test();
  unsigned long us = micros() - start;
  if (wrong == 0) {
    Serial.print(F("good, after us: "));
    Serial.println(us);
  } else {
    if (wrong & 1) Serial.println(F("a bit of the tables has changed: upload again; if it stays so, the flash is worn"));
    if (wrong & 2) Serial.println(F("an answer is another than at export"));
  }
  delay(2000);
}
