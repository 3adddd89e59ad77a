/**
 * A certificate for `localhost` that signs itself, and its key: for tests alone, since anyone can read the key here.
 */

export const TEST_CERTIFICATE = {
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgiYo1A2GudtKiOVzs
QOrIm7+vyU658UfhhPeCh8c6rcahRANCAAT8hcvXah71ZALfcg7g2Rv4V52qDCcp
tJ0Tjtd8pDmNz/1hno7RtnRyz5+zwd2mHyc9lSmioVWRXRA3II2aiZrw
-----END PRIVATE KEY-----
`,
  certificate: `-----BEGIN CERTIFICATE-----
MIIBljCCATugAwIBAgIUJSf105dlfFU11X0OoX+BWofkNA0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyNDEwNDY0M1oYDzIxMjYxMDMx
MTA0NjQzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAT8hcvXah71ZALfcg7g2Rv4V52qDCcptJ0Tjtd8pDmNz/1hno7RtnRy
z5+zwd2mHyc9lSmioVWRXRA3II2aiZrwo2kwZzAdBgNVHQ4EFgQUWhy2ZLbkZCug
j/LM15JVqhM+EaIwHwYDVR0jBBgwFoAUWhy2ZLbkZCugj/LM15JVqhM+EaIwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SQAwRgIhAKgZ5IWD9XohVJIlc/aCpcQsVUfFUxLWz7KaVFgOIJOyAiEAuXKQpjEK
C9dpFzUlllPjECaCnHaM9J1j9tFaspxC5kg=
-----END CERTIFICATE-----
`,
};
