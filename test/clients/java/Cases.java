import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;

/** Runs cases one after the other; prints {@code ok NAME} or {@code failed NAME: WHY} for each. */
final class Cases {
  interface Case {
    void run() throws Exception;
  }

  private final Map<String, Case> cases = new LinkedHashMap<>();

  void add(String name, Case run) {
    cases.put(name, run);
  }

  void runAll(Case before) {
    cases.forEach((name, run) -> {
      try {
        before.run();
        run.run();
        System.out.println("ok " + name);
      } catch (Throwable error) {
        String place = "";
        for (StackTraceElement frame : error.getStackTrace()) {
          if (frame.getClassName().startsWith("Functional")) {
            place = " (" + frame.getFileName() + ":" + frame.getLineNumber() + ")";
            break;
          }
        }
        System.out.println("failed " + name + ": " + error.toString().replaceAll("\\s+", " ") + place);
      }
    });
  }

  static void same(Object actual, Object expected) {
    if (!Objects.equals(actual, expected)) throw new AssertionError(actual + " instead of " + expected);
  }

  static void fails(String text, Callable<?> call) {
    Object value;
    try {
      value = call.call();
    } catch (Throwable error) {
      for (Throwable cause = error; cause != null; cause = cause.getCause()) {
        if (String.valueOf(cause.getMessage()).contains(text)) return;
      }
      throw new AssertionError(error + " does not say " + text, error);
    }
    throw new AssertionError(value + " instead of an error");
  }

  static void eventually(Callable<Boolean> holds) throws Exception {
    for (long deadline = System.nanoTime() + 5_000_000_000L; !holds.call(); Thread.sleep(1)) {
      if (System.nanoTime() > deadline) throw new AssertionError("it did not come true");
    }
  }
}
