package access

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"paylink"
)

// The cost of a password: OWASP's least for Argon2id, 19 MiB and two passes.
// https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
const (
	memory  = 19 * 1024 // KiB
	passes  = 2
	lanes   = 1
	saltLen = 16
	hashLen = 32
)

// Lengths of a password, in characters. There are no rules on which characters.
const (
	minPassword = 12
	maxPassword = 128
)

//go:embed common_passwords.txt
var commonPasswords string

// checkPassword refuses what is short, endless, common, or the person's own name.
func checkPassword(wrong *paylink.Fields, password, email, name string) {
	length := utf8.RuneCountInString(password)
	folded := strings.ToLower(password)
	local, _, _ := strings.Cut(strings.ToLower(email), "@")
	switch {
	case length < minPassword:
		wrong.Add("password", "password.short", "least", minPassword)
	case length > maxPassword:
		wrong.Add("password", "too_long", "most", maxPassword)
	case strings.Contains("\n"+commonPasswords+"\n", "\n"+folded+"\n"),
		len(local) > 3 && strings.Contains(folded, local), len(name) > 3 && strings.Contains(folded, strings.ToLower(name)):
		wrong.Add("password", "password.common")
	}
}

// two people sign in at a time: each try takes 19 MiB, and many at once must not end the server.
var slots = make(chan struct{}, 2) //nolint:gochecknoglobals // the machine's memory is one too

func derive(ctx context.Context, password string, salt []byte) ([]byte, error) {
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, passes, memory, lanes, hashLen), nil
}

// hashPassword gives the PHC form: $argon2id$v=19$m=19456,t=2,p=1$salt$hash.
func hashPassword(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltLen)
	_, _ = rand.Read(salt)
	sum, err := derive(ctx, password, salt)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)), nil
}

// nobody is the hash that is checked when the address is nobody's, so that it takes as long. No
// password fits it.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

func checkHash(ctx context.Context, hash, password string) (bool, error) {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, errors.New("check password: the stored hash is not argon2id")
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, fmt.Errorf("check password: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, fmt.Errorf("check password: %w", err)
	}
	if len(password) > 4*maxPassword {
		password = password[:4*maxPassword]
	}
	got, err := derive(ctx, password, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}
