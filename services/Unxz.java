import java.io.InputStream;
import java.io.OutputStream;
import org.tukaani.xz.XZInputStream;

/** Takes the xz layer off standard input, for machines whose tar has no xz to call. */
class Unxz {
    public static void main(String[] arguments) throws Exception {
        try (InputStream in = new XZInputStream(System.in); OutputStream out = System.out) {
            in.transferTo(out);
        }
    }
}
