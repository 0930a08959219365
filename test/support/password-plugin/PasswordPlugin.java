import io.trino.spi.Plugin;
import io.trino.spi.security.AccessDeniedException;
import io.trino.spi.security.BasicPrincipal;
import io.trino.spi.security.PasswordAuthenticator;
import io.trino.spi.security.PasswordAuthenticatorFactory;
import java.util.List;
import java.util.Map;

/** Takes users and passwords from password-authenticator.properties: Trino's own plugins of this kind are not on Maven Central. */
public class PasswordPlugin implements Plugin, PasswordAuthenticatorFactory {
    @Override
    public Iterable<PasswordAuthenticatorFactory> getPasswordAuthenticatorFactories() {
        return List.of(this);
    }

    @Override
    public String getName() {
        return "listed";
    }

    @Override
    public PasswordAuthenticator create(Map<String, String> passwords) {
        return (user, password) -> {
            if (!password.equals(passwords.get(user))) throw new AccessDeniedException("Invalid credentials");
            return new BasicPrincipal(user);
        };
    }
}
