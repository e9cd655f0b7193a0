"""The exported Java on this machine: written, compiled as for Java 8, run over pictures."""

import shutil
import subprocess
from pathlib import Path

from digitrec_edge.dense.java_archive import CLASS_FILE, RESOURCE_FILE

MISSING = [] if shutil.which("javac") and shutil.which("java") else ["apt-get install default-jdk-headless"]

READ_ALL = """
import digitrec.Digitrec;
import java.io.*;

public class ReadAll {
    public static void main(String[] arguments) throws IOException {
        Digitrec digitrec = new Digitrec();
        DataInputStream in = new DataInputStream(new BufferedInputStream(System.in, 1 << 20));
        DataOutputStream out = new DataOutputStream(new BufferedOutputStream(System.out, 1 << 20));
        byte[] image = new byte[Digitrec.PIXELS], logits = new byte[digitrec.labels];
        while (true) {
            try {
                in.readFully(image);
            } catch (EOFException end) {
                break;
            }
            digitrec.logits(image, logits);
            out.writeShort(digitrec.classify(image));
            out.write(logits);
        }
        out.flush();
        System.exit(digitrec.selfTest());
    }
}
"""
"""Pictures from standard input; a label and logits of each to standard output; the self-test is the exit status."""

FLIP = """
import digitrec.Digitrec;
import java.io.*;
import java.lang.reflect.Field;
import java.nio.file.*;

public class Flip {
    public static void main(String[] arguments) throws Exception {
        byte[] whole = Files.readAllBytes(Paths.get(arguments[0]));
        Field memory = Digitrec.class.getDeclaredField("memory");
        memory.setAccessible(true);
        for (int k = 1; k < arguments.length; k++) {
            int at = Integer.parseInt(arguments[k]) / 8, bit = 1 << Integer.parseInt(arguments[k]) % 8;
            Digitrec digitrec = new Digitrec(new ByteArrayInputStream(whole));
            ((byte[]) memory.get(digitrec))[at] ^= (byte) bit;
            whole[at] ^= (byte) bit;
            String opened = "opened";
            try {
                new Digitrec(new ByteArrayInputStream(whole));
            } catch (IllegalStateException refused) {
                opened = refused.getMessage();
            }
            whole[at] ^= (byte) bit;
            System.out.println((digitrec.selfTest() & 1) + " " + opened);
        }
    }
}
"""
"""Flips bits of a resource, and of the memory of a network that is open; what the self-test and what opening say."""


def write(files: dict[str, bytes], folder: Path) -> Path:
    """Write files, and the folders that they are in."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def compile_program(library: Path, name: str, program: str) -> list[str]:
    """Compile a program with a library's class, as for Java 8 and with every warning, and return the command of it.

    Raises:
        AssertionError: the compiler has something to say.
    """
    source = library / f"{name}.java"
    source.write_text(program)
    classes, resources = library / "classes", (library / RESOURCE_FILE).parents[1]
    flags = ["--release", "8", "-Xlint:all,-options", "-Werror", "-d", str(classes)]
    command = ["javac", *flags, str(library / CLASS_FILE), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stderr}"
    return ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", f"{classes}:{resources}", name]
