/* A recogniser of hand-written signs, made by digitrec-edge: 784 bytes in, a number out.
 *
 * Java 8 and above, and Android; needs nothing but java.base. The network is the resource digitrec.bin beside this class.
 * It never changes: any number of threads may use one object. */
package digitrec;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;

public final class Digitrec {
    public static final int SIDE = 28;
    public static final int PIXELS = SIDE * SIDE;

    /** How many logits there are; what the numbers are called stands in labels.txt. */
    public final int labels;
    /** A logit in real numbers: logitScale * (logits[k] - logitZero). */
    public final float logitScale;
    public final int logitZero;

    private static final String RESOURCE = "digitrec.bin";
    private static final long MAGIC = 0x4345525449474944L; // "DIGITREC"
    private static final int VERSION = 1;
    private static final int MOST_BYTES = 16 << 20;

    private final byte[] memory;
    private final Layer[] layers;
    private final int threshold;
    private final int answersCrc, known, noise, noiseSeed, packed, packedBytes;

    /** A Dense layer on numbers from 0 to 255: sum = bias + weights x, then round(sum * factor) + zero, from low to 255. */
    private static final class Layer {
        int inputs, outputs, zero, low;
        int[] bias;
        float[] factors;
        int weights; // where they lie in the memory: for each input those of all outputs
    }

    /** Opens the network that lies beside this class; IllegalStateException where it is missing or damaged. */
    public Digitrec() {
        this(Digitrec.class.getResourceAsStream(RESOURCE));
    }

    /** Opens a network from elsewhere, such as an Android asset; reads it to its end and closes it. */
    public Digitrec(InputStream resource) {
        memory = read(resource);
        ByteBuffer data = ByteBuffer.wrap(memory).order(ByteOrder.LITTLE_ENDIAN);
        if (memory.length < 64 || data.getLong() != MAGIC || !isWhole())
            throw new IllegalStateException(RESOURCE + " is damaged");
        if (data.getInt() != VERSION)
            throw new IllegalStateException(RESOURCE + " is of another version than this class");
        layers = new Layer[data.getInt()];
        labels = data.getInt();
        threshold = data.getInt();
        logitScale = data.getFloat();
        logitZero = data.getInt();
        answersCrc = data.getInt();
        known = data.getInt();
        noise = data.getInt();
        noiseSeed = data.getInt();
        packedBytes = data.getInt();
        for (int k = 0; k < layers.length; k++)
            layers[k] = sizes(data);
        for (Layer layer : layers)
            numbers(data, layer);
        packed = data.position();
    }

    private static byte[] read(InputStream resource) {
        if (resource == null)
            throw new IllegalStateException(RESOURCE + " is not beside the class Digitrec");
        try (InputStream stream = resource) {
            ByteArrayOutputStream whole = new ByteArrayOutputStream(1 << 18);
            byte[] part = new byte[1 << 16];
            for (int count = stream.read(part); count >= 0; count = stream.read(part)) {
                whole.write(part, 0, count);
                if (whole.size() > MOST_BYTES)
                    throw new IllegalStateException(RESOURCE + " is too large");
            }
            return whole.toByteArray();
        } catch (IOException cause) {
            throw new IllegalStateException(RESOURCE + " cannot be read", cause);
        }
    }

    private static Layer sizes(ByteBuffer data) {
        Layer layer = new Layer();
        layer.inputs = data.getInt();
        layer.outputs = data.getInt();
        layer.zero = data.getInt();
        layer.low = data.getInt();
        return layer;
    }

    private static void numbers(ByteBuffer data, Layer layer) {
        layer.bias = new int[layer.outputs];
        layer.factors = new float[layer.outputs];
        for (int o = 0; o < layer.outputs; o++)
            layer.bias[o] = data.getInt();
        for (int o = 0; o < layer.outputs; o++)
            layer.factors[o] = data.getFloat();
        layer.weights = data.position();
        ((Buffer) data).position(layer.weights + layer.inputs * layer.outputs); // ByteBuffer has its own since Java 9 only
    }

    /**
     * Reads a picture: 28 rows from the top, 28 pixels from the left; 0 is paper, (byte) 255 is ink. The sign is 20 pixels
     * high or wide, whichever is more, and its centre of mass lies in the middle, as in MNIST.
     *
     * @return the number of the likeliest label, of equal ones the lower; -1 where the picture shows none of them
     */
    public int classify(byte[] image) {
        byte[] scores = run(image);
        int best = 0, most = -1, sum = 0;
        for (int k = 0; k < labels; k++) {
            int score = scores[k] & 255;
            sum += score;
            if (score > most) {
                most = score;
                best = k;
            }
        }
        return most * labels - sum < threshold ? -1 : best;
    }

    /** Writes the scores behind it: the bytes of the int8 output of the TFLite model. */
    public void logits(byte[] image, byte[] logits) {
        if (logits.length != labels)
            throw new IllegalArgumentException("there are " + labels + " logits, room is for " + logits.length);
        byte[] scores = run(image);
        for (int k = 0; k < labels; k++)
            logits[k] = (byte) (scores[k] - 128);
    }

    /** The last layer's numbers. What is 0 is left out: paper, and all that a ReLU cut off. */
    private byte[] run(byte[] image) {
        if (image.length != PIXELS)
            throw new IllegalArgumentException("a picture has " + PIXELS + " bytes, this one " + image.length);
        byte[] numbers = image;
        for (Layer layer : layers) {
            int[] sums = layer.bias.clone();
            for (int i = 0; i < layer.inputs; i++)
                if (numbers[i] != 0)
                    add(sums, layer.weights + i * sums.length, numbers[i] & 255);
            byte[] next = new byte[sums.length];
            for (int o = 0; o < sums.length; o++)
                next[o] = (byte) round(sums[o], layer.factors[o], layer.zero, layer.low);
            numbers = next;
        }
        return numbers;
    }

    private void add(int[] sums, int at, int x) {
        byte[] weights = memory;
        for (int o = 0; o < sums.length; o++)
            sums[o] += weights[at + o] * x;
    }

    /** The twin of digitrec_round_float in requantize.h: clamped first, and 1.5 * 2**23 rounds half to even. */
    private static int round(int sum, float factor, int zero, int low) {
        float steps = (float) sum * factor, least = low - zero, most = 255 - zero;
        steps = steps < least ? least : steps > most ? most : steps;
        return Float.floatToRawIntBits(steps + 12582912.0f) - 0x4B400000 + zero;
    }

    /**
     * Tells whether the network is as it was written, and computed with as it should be.
     *
     * @return 0 when all is well, 1 when a bit of it has changed, 2 when an answer is another than at export, 3 for both
     */
    public int selfTest() {
        CRC32 crc = new CRC32();
        byte[] picture = new byte[PIXELS];
        int at = packed;
        for (int k = 0; k < known; k++) {
            at = unpack(at, picture);
            addAnswer(crc, picture);
        }
        int state = noiseSeed;
        for (int k = 0; k < noise; k++) {
            for (int i = 0; i < PIXELS; i++) {
                state = state * 1664525 + 1013904223;
                picture[i] = (byte) ((state >>> 26) + 1);
            }
            addAnswer(crc, picture);
        }
        return (isWhole() ? 0 : 1) + ((int) crc.getValue() == answersCrc ? 0 : 2);
    }

    private boolean isWhole() {
        CRC32 crc = new CRC32();
        crc.update(memory, 0, memory.length - 4);
        return ByteBuffer.wrap(memory).order(ByteOrder.LITTLE_ENDIAN).getInt(memory.length - 4) == (int) crc.getValue();
    }

    private void addAnswer(CRC32 crc, byte[] picture) {
        byte[] logits = new byte[labels];
        logits(picture, logits);
        crc.update(logits, 0, labels);
        crc.update(classify(picture)); // its lowest byte
    }

    /** Paper is written as 0 and how many pixels of it there are, all else as it is. */
    private int unpack(int at, byte[] picture) {
        for (int i = 0; i < PIXELS && at < packed + packedBytes;) {
            byte pixel = memory[at++];
            int count = pixel == 0 ? memory[at++] & 255 : 1;
            for (int n = 0; n < count && i < PIXELS; n++)
                picture[i++] = pixel;
        }
        return at;
    }

    /** The self-test, as a program: ends with 0 when all is well. */
    public static void main(String[] arguments) {
        int result = new Digitrec().selfTest();
        System.out.println(result == 0 ? "digitrec: self-test passed" : "digitrec: self-test FAILED, " + result);
        System.exit(result);
    }
}
